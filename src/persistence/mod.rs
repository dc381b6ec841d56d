//! Stores of messages in flight.
