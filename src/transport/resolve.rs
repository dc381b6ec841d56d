//! Names to addresses, without holding anybody up.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::os::PerProcess;

/// The addresses of a host, in the order in which to try them.
pub type Resolution = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Turns names into addresses.
pub trait Resolver: Send + Sync {
    /// Looks `host` up; dropping the future abandons the look-up.
    fn resolve(&self, host: &str, port: u16) -> Resolution;
}

/// Look-ups that occupy a thread each at the same time. An abandoned look-up keeps its thread until the system gives up: a dead
/// name server must leave threads to TLS handshakes that ask the program, and to what else it is asked there (`apart`).
pub const MAX_LOOK_UPS: usize = 256;

/// The system's resolver (`getaddrinfo`), on a thread of the runtime's blocking pool.
///
/// With [`MAX_LOOK_UPS`] stuck in a dead name server, further names wait inside their deadline. Literal addresses need no
/// look-up.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: &str, port: u16) -> Resolution {
        // A child of fork has none of its parent's threads.
        static PLACES: PerProcess<Arc<Semaphore>> =
            PerProcess::new(|_| Arc::new(Semaphore::new(MAX_LOOK_UPS)));
        let host = host.to_owned();
        let places = Arc::clone(PLACES.get());
        Box::pin(in_a_place(places, move || {
            Ok((host.as_str(), port).to_socket_addrs()?.collect())
        }))
    }
}

/// Runs a look-up on a thread that may wait, when there is a place. The look-up has the place to its end: it may be abandoned
/// before.
async fn in_a_place<T: Send + 'static>(
    places: Arc<Semaphore>,
    look_up: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let place = places.acquire_owned().await.map_err(io::Error::other)?;
    tokio::task::spawn_blocking(move || {
        let result = look_up();
        drop(place);
        result
    })
    .await?
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
    fn hung_look_ups_leave_threads_to_others_though_they_were_abandoned() {
        use std::sync::mpsc;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(3)
            .enable_time()
            .build()
            .expect("a runtime");
        let places = Arc::new(Semaphore::new(2));
        let (began, has_begun) = mpsc::channel();
        let mut hung = Vec::new();
        for _ in 0..2 {
            let (release, held) = mpsc::channel::<()>();
            let began = began.clone();
            let look_up = move || {
                began.send(()).expect("somebody waits");
                let _ = held.recv();
                Ok(())
            };
            let task = runtime.spawn(in_a_place(Arc::clone(&places), look_up));
            has_begun.recv().expect("it begins");
            task.abort();
            hung.push(release);
        }
        // Two more wait, in vain: the abandoned ones have the places, and a third thread.
        let (further, looked_up) = mpsc::channel();
        for number in 0..2 {
            let further = further.clone();
            let look_up = move || further.send(number).map_err(io::Error::other);
            runtime.spawn(in_a_place(Arc::clone(&places), look_up));
        }
        let handshake = runtime.spawn_blocking(|| "done");
        assert_eq!(runtime.block_on(handshake).ok(), Some("done"));
        let none = looked_up.recv_timeout(std::time::Duration::from_millis(100));
        assert!(none.is_err(), "there was no place");
        // Each place that is given back is the next one's.
        hung.clear();
        let mut both: Vec<_> = looked_up.iter().take(2).collect();
        both.sort_unstable();
        assert_eq!(both, [0, 1]);
    }

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
