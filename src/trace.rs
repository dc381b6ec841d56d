//! Trace: levels, environment variables, callback sink.

/// Reports a panic that was caught at the C boundary, at level SEVERE.
pub fn panic_caught(_payload: &(dyn std::any::Any + Send)) {}
