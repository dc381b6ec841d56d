//! What the connect functions of both APIs have in common.

use std::ptr;
use std::time::Duration;

use libc::c_int;

use crate::ffi::read::{self, Code};
use crate::ffi::types::async_types::MQTTASYNC_NULL_PARAMETER;
use crate::ffi::types::shared_types::{
    Binary, MQTTVERSION_3_1, MQTTVERSION_3_1_1, MQTTVERSION_5, MQTTVERSION_DEFAULT, SslOptions,
};
use crate::options::VersionChoice;
use crate::protocol::Version;
use crate::transport::uri::ServerUri;

/// No binary password.
pub const NO_BINARY: Binary = Binary {
    len: 0,
    data: ptr::null(),
};

/// Longest wait for a connection: a timeout in seconds, as the program gives it, bounded below.
const MIN_TIMEOUT: Duration = Duration::from_secs(1);

/// A TLS scheme needs TLS options.
pub fn check_tls(server_uri: &str, ssl: *const SslOptions) -> Result<(), Code> {
    let tls = ServerUri::parse(server_uri).is_ok_and(|uri| uri.is_tls());
    if tls && ssl.is_null() {
        Err(MQTTASYNC_NULL_PARAMETER)
    } else {
        Ok(())
    }
}

/// The versions to try; none for a number that is no version.
pub fn version(version: c_int) -> Option<VersionChoice> {
    match version {
        MQTTVERSION_5 => Some(VersionChoice::Only(Version::V5)),
        MQTTVERSION_DEFAULT => Some(VersionChoice::Default),
        MQTTVERSION_3_1 => Some(VersionChoice::Only(Version::V31)),
        MQTTVERSION_3_1_1 => Some(VersionChoice::Only(Version::V311)),
        _ => None,
    }
}

/// Returns a server's URI as a client created with it is told of it: without its scheme, whichever it is. So does the
/// original; a program that wants the scheme has it in what it passed.
pub fn reported_uri(uri: &str) -> &str {
    uri.split_once("://").map_or(uri, |(_, address)| address)
}

/// Messages in flight; none or a negative number is no limit of the program's.
pub fn max_inflight(max: c_int) -> u32 {
    u32::try_from(max)
        .ok()
        .filter(|max| *max > 0)
        .unwrap_or(u16::MAX.into())
}

/// The time for one attempt to connect.
pub fn timeout(seconds: c_int) -> Duration {
    read::seconds(seconds).max(MIN_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::reported_uri;

    #[test]
    fn a_server_is_reported_without_its_scheme() {
        for (uri, reported) in [
            ("tcp://localhost:1883", "localhost:1883"),
            ("mqtt://localhost:1883", "localhost:1883"),
            ("ssl://localhost:8883", "localhost:8883"),
            ("mqtts://[::1]:8883", "[::1]:8883"),
            ("ws://localhost:8080/mqtt", "localhost:8080/mqtt"),
            ("wss://localhost", "localhost"),
            ("unix:///run/broker", "/run/broker"),
            ("localhost:1883", "localhost:1883"),
        ] {
            assert_eq!(reported_uri(uri), reported);
        }
    }
}
