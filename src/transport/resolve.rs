//! Names to addresses, without holding anybody up.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::pin::Pin;

/// The addresses of a host, in the order in which to try them.
pub type Resolution = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Turns names into addresses.
pub trait Resolver: Send + Sync {
    /// Looks `host` up; dropping the future abandons the look-up.
    fn resolve(&self, host: &str, port: u16) -> Resolution;
}

/// The system's resolver (`getaddrinfo`), on a thread of the runtime's blocking pool.
///
/// An abandoned look-up keeps its thread until the system gives up. The pool is bounded (512 threads by default): with every
/// thread stuck in a dead name server, clients of literal addresses still connect, but those with TLS, whose handshakes need a
/// thread of the pool too (`apart`), wait for one inside their deadline.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: &str, port: u16) -> Resolution {
        let host = host.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// Returns the address that `host` spells out, if it is no name.
pub(super) fn literal(host: &str, port: u16) -> Option<SocketAddr> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(SocketAddr::new(address, port));
    }
    let (address, zone) = host.split_once('%')?;
    let address: Ipv6Addr = address.parse().ok()?;
    let scope = zone.parse().ok().or_else(|| interface_index(zone))?;
    Some(SocketAddrV6::new(address, port, 0, scope).into())
}

/// Returns the number of the network interface called `name`.
#[cfg(target_os = "linux")]
fn interface_index(name: &str) -> Option<u32> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice, socket_with};
    // Any socket will do to ask with.
    let socket = socket_with(
        AddressFamily::INET6,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        None,
    )
    .ok()?;
    netdevice::name_to_index(&socket, name).ok()
}

/// Returns nothing: elsewhere `getaddrinfo` knows.
#[cfg(not(target_os = "linux"))]
fn interface_index(_name: &str) -> Option<u32> {
    None
}

/// Puts the address families in turns, starting with that of the first address, so that a family that leads nowhere
/// costs one delay and not one for each of its addresses (RFC 8305, section 4).
pub(super) fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|a| a.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut turns = Vec::with_capacity(first.len() + second.len());
    loop {
        match (first.next(), second.next()) {
            (None, None) => return turns,
            (a, b) => turns.extend(a.into_iter().chain(b)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_no_names() {
        assert_eq!(
            literal("127.0.0.1", 1),
            Some("127.0.0.1:1".parse().unwrap())
        );
        assert_eq!(literal("::1", 1), Some("[::1]:1".parse().unwrap()));
        assert_eq!(
            literal("fe80::1%7", 1),
            Some("[fe80::1%7]:1".parse().unwrap())
        );
        assert_eq!(literal("localhost", 1), None);
        assert_eq!(literal("::1%no-such-interface", 1), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_zone_may_be_a_name() {
        // Interface 1 is the loopback device in every network namespace.
        assert_eq!(
            literal("fe80::1%lo", 9),
            Some("[fe80::1%1]:9".parse().unwrap())
        );
    }

    #[test]
    fn families_take_turns() {
        let a = |s: &str| s.parse::<SocketAddr>().unwrap();
        let all = vec![
            a("[::1]:1"),
            a("[::2]:1"),
            a("[::3]:1"),
            a("1.1.1.1:1"),
            a("2.2.2.2:1"),
        ];
        let turns = vec![
            a("[::1]:1"),
            a("1.1.1.1:1"),
            a("[::2]:1"),
            a("2.2.2.2:1"),
            a("[::3]:1"),
        ];
        assert_eq!(interleave(all), turns);
        assert_eq!(
            interleave(vec![a("1.1.1.1:1"), a("[::1]:1")]),
            vec![a("1.1.1.1:1"), a("[::1]:1")]
        );
        assert!(interleave(vec![]).is_empty());
    }
}
