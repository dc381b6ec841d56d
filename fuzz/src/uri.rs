//! Server URIs.

use paho_oxide::transport::uri::ServerUri;

/// Parses the text; nothing may panic, and a port is one.
pub fn run(text: &str) {
    if let Ok(uri) = ServerUri::parse(text) {
        assert!(uri.port != 0 || uri.host.is_empty());
    }
}
