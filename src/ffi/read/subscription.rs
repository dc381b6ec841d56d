//! Lists of topic filters as a program passes them, to either API.

use libc::{c_char, c_int};

use super::{Code, null, qos, topic};
use crate::ffi::last_error;
use crate::ffi::types::async_types::MQTTASYNC_FAILURE;
use crate::ffi::types::subscribe_types::MQTTSubscribe_options;
use crate::protocol::packet::Filter;

/// Where the options of each filter of a list are.
#[derive(Clone, Copy)]
pub enum FilterOptions {
    /// There are none: those of MQTT 3.1.1.
    None,
    /// The same for all.
    Shared(*const MQTTSubscribe_options),
    /// An array with one for each.
    Each(*const MQTTSubscribe_options),
}

/// Reads the topics of a list. An empty list would make a packet that the specification forbids ([MQTT-3.8.3-2]).
///
/// # Safety
/// NULL, or an array of `count` strings that stay as they are for `'a`.
pub unsafe fn topics<'a>(count: c_int, topics: *const *mut c_char) -> Result<Vec<&'a [u8]>, Code> {
    let wanted = usize::try_from(count).ok().filter(|count| *count > 0);
    let Some(wanted) = wanted else {
        let why = format!("count is {count}: there must be a topic");
        return Err(last_error::fail(MQTTASYNC_FAILURE, why));
    };
    if topics.is_null() {
        return Err(null("topic"));
    }
    (0..wanted)
        .map(|i| {
            // SAFETY: within the array, by the caller's promise.
            unsafe { topic(*topics.add(i)) }.map_err(|code| nth(code, i, wanted))
        })
        .collect()
}

/// Says which topic of a list is refused, where there are several.
fn nth(code: Code, i: usize, count: usize) -> Code {
    if count == 1 {
        return code;
    }
    last_error::named(code, &format!("topic {i} of {count}:"))
}

/// Joins topics with their QoS and options.
///
/// # Safety
/// An array of as many QoS values as topics, and options as documented.
pub unsafe fn filters<'a>(
    topics: &[&'a [u8]],
    values: *const c_int,
    options: FilterOptions,
) -> Result<Vec<Filter<'a>>, Code> {
    topics
        .iter()
        .enumerate()
        .map(|(i, filter)| {
            // SAFETY: within the array, by the caller's promise.
            let value = unsafe { *values.add(i) };
            let mut filter = Filter {
                filter,
                qos: qos(value).map_err(|code| nth(code, i, topics.len()))?,
                no_local: false,
                retain_as_published: false,
                retain_handling: 0,
            };
            // SAFETY: valid options, and within the array, by the caller's promise.
            let options = unsafe {
                match options {
                    FilterOptions::None => return Ok(filter),
                    FilterOptions::Shared(options) => &*options,
                    FilterOptions::Each(options) => &*options.add(i),
                }
            };
            filter.no_local = options.noLocal != 0;
            filter.retain_as_published = options.retainAsPublished != 0;
            filter.retain_handling = options.retainHandling;
            Ok(filter)
        })
        .collect()
}
