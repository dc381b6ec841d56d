//! The functions that belong to no client: what is put into buffers and read from them, and the names of errors.
#![allow(unsafe_code)] // a C program's calls

use std::ffi::CStr;

#[allow(clippy::wildcard_imports)] // all of them, that is what this is for
use paho_oxide::ffi::exports::paho_oxide_messages::*;
#[allow(clippy::wildcard_imports)]
use paho_oxide::ffi::types::oxide_types::*;

use super::checks::{Room, appended, put, well};
use super::steps::Step;

/// Calls one of them; a step that is for a client calls none.
pub fn call(step: &Step) {
    // SAFETY: for all arms, each pointer is NULL, or a block of the length beside it that lives until the call has returned;
    // structs say their sizes, or less.
    unsafe {
        match step {
            Step::PutNumber {
                capacity,
                at,
                id,
                number,
            } => put(*capacity, *at, *id, |room, used| {
                let capacity = room.capacity();
                MQTTOxide_putNumber(room.pointer(), capacity, used, (*id).into(), *number)
            }),
            Step::PutBytes {
                capacity,
                at,
                id,
                value,
            } => put(*capacity, *at, *id, |room, used| {
                let (id, capacity) = ((*id).into(), room.capacity());
                let room = room.pointer();
                MQTTOxide_putBytes(room, capacity, used, id, value.pointer(), value.len())
            }),
            Step::PutPair {
                capacity,
                at,
                id,
                name,
                value,
            } => put(*capacity, *at, *id, |room, used| {
                MQTTOxide_putPair(
                    room.pointer(),
                    room.capacity(),
                    used,
                    (*id).into(),
                    name.pointer(),
                    name.len(),
                    value.pointer(),
                    value.len(),
                )
            }),
            Step::PutFilter {
                capacity,
                at,
                filter,
                options,
            } => {
                let mut room = Room::new((*capacity).into());
                let mut used = u32::from(*at);
                let code = MQTTOxide_putFilter(
                    room.pointer(),
                    room.capacity(),
                    &raw mut used,
                    filter.pointer().cast(),
                    filter.len(),
                    *options,
                );
                appended(&room, *at, used, code);
            }
            Step::NextProperty { props, at, size } => {
                let mut property: MQTTOxide_property = std::mem::zeroed();
                property.size = size.of::<MQTTOxide_property>();
                let mut next = u32::from(*at);
                let code = MQTTOxide_nextProperty(
                    props.pointer(),
                    props.len(),
                    &raw mut next,
                    &raw mut property,
                );
                well(code);
                assert_eq!(code == 1, next > (*at).into());
                assert!(code != 1 || next <= props.len());
            }
            Step::ErrorName(code) => {
                let name = CStr::from_ptr(MQTTOxide_errorName(*code));
                assert!(!name.is_empty());
            }
            _ => {}
        }
    }
}
