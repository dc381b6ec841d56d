//! Where a client's store is: the original's rules, so that either library finds what the other left.

/// Schemes that the original takes off before it names the directory (lower case only; `unix` in its later versions).
const SCHEMES: [&str; 7] = [
    "tcp://", "mqtt://", "ws://", "ssl://", "mqtts://", "wss://", "unix://",
];

/// Returns `<client id>-<server>`: the URI without its scheme, colons turned into dashes and nothing else touched.
///
/// A slash, in the client id as in a WebSocket path, makes a directory level, as it does in the original.
pub(super) fn directory_name(client_id: &str, server_uri: &str) -> String {
    format!(
        "{client_id}-{}",
        without_scheme(server_uri).replace(':', "-")
    )
}

/// Returns a server URI without its scheme: what a program's own store is told, too.
pub fn without_scheme(server_uri: &str) -> &str {
    SCHEMES
        .iter()
        .find_map(|scheme| server_uri.strip_prefix(scheme))
        .unwrap_or(server_uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_originals() {
        // Each observed on disk with Debian's 1.3.12, but for unix, which came later.
        for (id, uri, name) in [
            ("cid", "tcp://localhost:1883", "cid-localhost-1883"),
            ("cid", "localhost:1883", "cid-localhost-1883"),
            ("cid", "tcp://[::1]:1883", "cid-[--1]-1883"),
            ("cid", "[::1]", "cid-[--1]"),
            ("cid", "ws://h:80/path/x", "cid-h-80/path/x"),
            ("cid", "mqtt://h", "cid-h"),
            ("cid", "ssl://h:8883", "cid-h-8883"),
            ("cid", "mqtts://h", "cid-h"),
            ("cid", "wss://h:1/p", "cid-h-1/p"),
            ("a/b:c*d", "tcp://h:1", "a/b:c*d-h-1"),
            ("id.msg", "h:1", "id.msg-h-1"),
            ("cid", "unix:///run/mqtt.sock", "cid-/run/mqtt.sock"),
        ] {
            assert_eq!(directory_name(id, uri), name);
        }
    }
}
