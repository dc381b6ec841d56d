//! `tcp-keepalive`, `tcp-user-timeout` and `bind-address`, as the socket has them.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use rustix::net::sockopt;

use super::kind;
use crate::broker::Broker;
use crate::driver::ConnectOptions;
use crate::driver::for_paho::{ALL, Client, socket_at};

#[test]
fn the_socket_is_as_the_options_say() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        assert_eq!(client.set("tcp-keepalive", "37"), 0);
        assert_eq!(client.set("tcp-user-timeout", "12345"), 0);
        let (peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        let socket = socket_at(peer.address());
        let idle = Duration::from_secs(37);
        assert_eq!(sockopt::socket_keepalive(&socket), Ok(true));
        assert_eq!(sockopt::tcp_keepidle(&socket), Ok(idle));
        assert_eq!(sockopt::tcp_keepintvl(&socket), Ok(idle));
        assert_eq!(sockopt::tcp_user_timeout(&socket), Ok(12_345));
        client.lose(peer);
        // Set back, and off.
        assert_eq!(client.set("tcp-keepalive", "0"), 0);
        assert_eq!(client.set("tcp-user-timeout", ""), 0);
        let (peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        let socket = socket_at(peer.address());
        assert_eq!(sockopt::socket_keepalive(&socket), Ok(false));
        assert_eq!(sockopt::tcp_user_timeout(&socket), Ok(0));
    }
}

#[test]
fn the_connection_comes_from_the_address_that_the_program_names() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        assert_eq!(client.set("bind-address", "127.0.0.9"), 0);
        let (peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        assert_eq!(
            peer.address().ip(),
            IpAddr::from(Ipv4Addr::new(127, 0, 0, 9))
        );
        client.lose(peer);
        // One that is none of this machine's, kept for documentation (RFC 5737).
        assert_eq!(client.set("bind-address", "192.0.2.1"), 0);
        assert_ne!(client.connect_in_vain(&ConnectOptions::default()), 0);
        let error = client.last_error();
        assert_eq!(error.kind, kind::CONNECT);
        assert_eq!(
            error.os_error,
            rustix::io::Errno::ADDRNOTAVAIL.raw_os_error()
        );
        assert!(error.text.contains("bind to 192.0.2.1"), "{}", error.text);
    }
}
