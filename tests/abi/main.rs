//! The C interface is the one that existing programs were compiled against: the headers, the Rust types and the lists of
//! exports are checked against the tables in `tests/abi/tables/`, which were taken from the original.
//!
//! Needs a C and a C++ compiler: `cc` and `c++`, or those that `CC` and `CXX` name.

mod compiler;
mod exports;
mod headers;
mod layout;
mod programs;
mod tables;
