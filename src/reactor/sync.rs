//! The locks and atomics of [`crew`](super::crew), under names that `models/` gives to others.

pub use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

pub use crate::os::lock::Mutex;
