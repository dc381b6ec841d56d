//! Server URIs.

use paho_oxide::transport::uri::ServerUri;

/// Parses the text; nothing may panic, a port is one, and nothing can end a line of a request that names the server.
pub fn run(text: &str) {
    if let Ok(uri) = ServerUri::parse(text) {
        assert!(uri.port != 0 || uri.host.is_empty());
        let said = format!("{}{}", uri.authority(), uri.host);
        assert!(!said.chars().any(char::is_control));
        assert!(uri.host.is_empty() || !uri.path.chars().any(char::is_control));
    }
}
