//! Trace: levels, environment variables, callback sink.
