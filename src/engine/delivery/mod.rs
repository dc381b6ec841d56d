//! From the session to the program: the queue of events, and who runs the program's functions.

pub mod dispatch;
pub mod program_calls;
pub mod queue;
pub mod roles;
pub mod telling;
