//! Automatic reconnect, reconnect by hand, and lists of servers.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::broker::{Broker, Peer};
use crate::packet::{AckKind, Connect};
use crate::puppet::{Api, Puppet, Whose};

fn create(uri: &str, options: &str) -> Puppet {
    let mut puppet = Puppet::start(Api::Async, Whose::Ours);
    puppet.ok(&format!("create {uri} reconnect - {options}"));
    puppet
}

/// A connection that is accepted and refused before it begins: its moment.
fn refuse(broker: &Broker) -> Instant {
    let peer = broker.accept();
    let now = Instant::now();
    drop(peer);
    now
}

fn serve(broker: &Broker) -> (Peer, Connect, Instant) {
    let mut peer = broker.accept();
    let now = Instant::now();
    let connect = peer.expect_connect();
    peer.connack(false, &[]);
    (peer, connect, now)
}

/// A server at which nobody listens: its port is bound, so that nobody else gets it, and that is all.
fn dead() -> (std::os::fd::OwnedFd, String) {
    use std::net::SocketAddrV4;

    use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = SocketAddrV4::try_from(getsockname(&socket).unwrap()).unwrap();
    (socket, format!("tcp://{address}"))
}

/// The shortest that a pause may be, for the jitter.
fn shortest(seconds: u64) -> Duration {
    Duration::from_secs(seconds).mul_f64(0.79)
}

/// A fifth less or more, for the jitter, and what a busy machine adds.
fn assert_pause(from: Instant, to: Instant, seconds: u64) {
    const BUSY: Duration = Duration::from_secs(4);
    let pause = to - from;
    let longest = Duration::from_secs(seconds).mul_f64(1.21) + BUSY;
    assert!(
        (shortest(seconds)..=longest).contains(&pause),
        "a pause of {pause:?} instead of {seconds} s"
    );
}

/// The pause doubles up to the longest and stays there; a success begins anew. What waited is then delivered, and the
/// program is told.
#[test]
fn intervals() {
    let broker = Broker::start();
    let mut puppet = create(&broker.uri(), "offline=1");
    puppet.ok("connect clean=0 auto=1 min=1 max=2 version=4");
    let (peer, _, _) = serve(&broker);
    puppet.expect("onconnect");
    assert_eq!(puppet.expect("connected"), "connect onSuccess called");
    // Before the loss: the pause is not shorter than what is measured from here.
    let mut last = Instant::now();
    drop(peer);
    puppet.expect("lost");
    // If they doubled without end, the last one would have 16 s.
    for seconds in [1, 2, 2, 2, 2] {
        let now = refuse(&broker);
        assert_pause(last, now, seconds);
        last = now;
    }
    let token = puppet.token("send a/b waits 1");
    let (mut peer, _, now) = serve(&broker);
    assert_pause(last, now, 2);
    assert_eq!(puppet.expect("connected"), "automatic reconnect");
    let publish = peer.expect_publish();
    assert_eq!(publish.payload, b"waits");
    peer.ack(crate::packet::AckKind::PubAck, publish.id);
    assert_eq!(puppet.expect("success send"), token.to_string());
    // A busy machine can make one of them as long as the longest, not all.
    let anew = (0..8).any(|_| {
        let lost = Instant::now();
        peer.close();
        puppet.expect("lost");
        let (next, _, now) = serve(&broker);
        peer = next;
        puppet.expect("connected");
        assert!(now - lost >= shortest(1));
        now - lost < shortest(2)
    });
    assert!(anew, "the pauses did not begin anew");
}

/// As in the original, automatic reconnect goes on too when the first connect has failed: onFailure once, then `connected`.
#[test]
fn first_connect_fails() {
    let broker = Broker::start();
    let mut puppet = create(&broker.uri(), "offline=1");
    puppet.ok("connect clean=0 auto=1 min=1 max=1 version=4");
    refuse(&broker);
    puppet.expect("onconnectfailure");
    let token = puppet.token("send a/b waits 0");
    refuse(&broker);
    let (mut peer, _, _) = serve(&broker);
    assert_eq!(puppet.expect("connected"), "automatic reconnect");
    assert_eq!(peer.expect_publish().payload, b"waits");
    assert_eq!(puppet.expect("success send"), token.to_string());
    assert!(
        !puppet
            .take_events()
            .iter()
            .any(|event| event.starts_with("onconnect")),
        "the connect has ended before"
    );
}

/// An explicit disconnect is final, whether it comes while connected or between two attempts; reconnect by hand goes on.
#[test]
fn disconnect_is_final() {
    let broker = Broker::start();
    let mut puppet = create(&broker.uri(), "");
    puppet.ok("connect clean=0 auto=1 min=1 max=1");
    let (mut peer, _, _) = serve(&broker);
    puppet.expect("onconnect");
    puppet.expect("connected");
    puppet.ok("disconnect 0");
    puppet.expect("success disconnect");
    peer.expect_disconnect();
    // An attempt would come within 1.2 s.
    assert_eq!(puppet.next_within(Duration::from_millis(1500)), None);
    assert!(!broker.has_caller());

    puppet.ok("reconnect");
    let (peer, _, _) = serve(&broker);
    assert_eq!(puppet.expect("connected"), "automatic reconnect");
    drop(peer);
    puppet.expect("lost");
    assert_eq!(puppet.call("disconnect 0"), "-3");
    assert_eq!(puppet.next_within(Duration::from_millis(1500)), None);
    assert!(!broker.has_caller());
    assert_eq!(puppet.call("is-connected"), "0");
}

/// `MQTTAsync_reconnect` does not wait for the next attempt's time, and may be called from connectionLost.
#[test]
fn reconnect_now() {
    let broker = Broker::start();
    for options in ["auto=1 min=30 max=30", "auto=0"] {
        let mut puppet = create(&broker.uri(), "");
        puppet.ok(&format!("connect clean=0 {options}"));
        let (peer, _, _) = serve(&broker);
        puppet.expect("onconnect");
        puppet.expect("connected");
        puppet.call("when-lost reconnect");
        drop(peer);
        puppet.expect("lost");
        assert_eq!(puppet.expect("reconnect"), "0", "{options}");
        let (peer, _, _) = serve(&broker);
        assert_eq!(puppet.expect("connected"), "automatic reconnect");
        drop(peer);
        puppet.expect("lost");
        puppet.ok("reconnect");
        let (_peer, _, _) = serve(&broker);
        puppet.expect("connected");
    }
}

/// New options given from connectionLost take the place of the automatic reconnect under way.
#[test]
fn connect_from_connection_lost() {
    let (broker, other) = (Broker::start(), Broker::start());
    let mut puppet = create(&broker.uri(), "");
    puppet.ok("connect clean=0 auto=1 min=1 max=1");
    let (peer, _, _) = serve(&broker);
    puppet.expect("onconnect");
    puppet.call(&format!(
        "when-lost connect clean=0 keep=7 uris={}",
        other.uri()
    ));
    drop(peer);
    puppet.expect("lost");
    let (_peer, connect, _) = serve(&other);
    assert_eq!(connect.keep_alive, 7);
    puppet.expect("onconnect");
    assert!(!broker.has_caller());
}

/// setUpdateConnectOptions: asked before each automatic attempt.
#[test]
fn fresh_credentials() {
    let broker = Broker::start();
    let mut puppet = create(&broker.uri(), "");
    puppet.ok("update user secret");
    puppet.ok("connect clean=0 auto=1 min=1 max=1 user=first password=one");
    let (mut peer, connect, _) = serve(&broker);
    assert_eq!(connect.user_name.as_deref(), Some("first"));
    for attempt in 1..3 {
        drop(peer);
        puppet.expect("lost");
        let (next, connect, _) = serve(&broker);
        assert_eq!(connect.user_name, Some(format!("user{attempt}")));
        assert_eq!(connect.password.as_deref(), Some(&b"secret"[..]));
        peer = next;
        puppet.expect("connected");
    }
}

/// While the program is asked for new credentials it gives the reconnect up and connects with other options: what it answers
/// belongs to the reconnect that is gone, and does not bring the old options back.
#[test]
fn credentials_that_come_too_late() {
    let broker = Broker::start();
    let mut puppet = create(&broker.uri(), "");
    puppet.ok("update user secret");
    puppet.ok("connect clean=0 auto=1 min=1 max=1 keep=60");
    let (peer, ..) = serve(&broker);
    puppet.expect("onconnect");
    puppet.call("hold-update 1");
    drop(peer);
    puppet.expect("updating");
    assert_eq!(puppet.call("disconnect 0"), "-3");
    puppet.ok("connect clean=0 auto=1 min=1 max=1 keep=7 user=newer");
    let (peer, connect, _) = serve(&broker);
    assert_eq!(
        (connect.keep_alive, connect.user_name.as_deref()),
        (7, Some("newer"))
    );
    puppet.expect("onconnect");
    puppet.call("hold-update 0");
    // Long enough for the late answer to do harm; it has nothing to show when it does none.
    std::thread::sleep(Duration::from_millis(50));
    drop(peer);
    puppet.expect("lost");
    let (_peer, connect, _) = serve(&broker);
    assert_eq!(connect.keep_alive, 7);
    assert!(!broker.has_caller());
}

/// serverURIs are tried in order, with each the versions in order, by connect and by the reconnect; the one that worked is
/// reported.
#[test]
fn server_lists() {
    let (_kept, dead) = dead();
    let (first, second) = (Broker::start(), Broker::start());
    let mut puppet = create("tcp://127.0.0.1:9", "");
    let uris = [dead.as_str(), &first.uri(), &second.uri()].join(",");
    puppet.ok(&format!("connect clean=0 auto=1 min=1 max=1 uris={uris}"));
    let levels = |broker: &Broker, refusal: u8| {
        [4, 3].map(|level| {
            let mut peer = broker.accept();
            assert_eq!(peer.expect_connect().level, level);
            if refusal > 0 {
                peer.send(&[0x20, 2, 0, refusal]);
            }
            peer.expect_close();
        })
    };
    // 3.1.1 is refused, and so is 3.1: the next server's turn.
    levels(&first, 1);
    let (peer, connect, _) = serve(&second);
    assert_eq!(connect.level, 4);
    let answer = puppet.expect("onconnect");
    assert_eq!(answer, format!("{} 4 0", second.uri()), "as it was given");
    drop(peer);
    puppet.expect("lost");
    // From the first one again; it takes 3.1 only.
    let mut peer = first.accept();
    assert_eq!(peer.expect_connect().level, 4);
    peer.send(&[0x20, 2, 0, 1]);
    peer.expect_close();
    let (_peer, connect, _) = serve(&first);
    assert_eq!(connect.level, 3);
    puppet.expect("connected automatic reconnect");
    assert!(!second.has_caller());
}

/// How long a server's close is waited for.
const GRACE: Duration = Duration::from_secs(1);

/// A server lets a client's new connection take over before it has read the rest of the old one: so a connect that follows a
/// disconnect waits with its CONNECT until the server has read everything, which it shows by closing its end; and not for ever.
#[test]
fn connect_right_after_disconnect() {
    let broker = Broker::start();
    let mut puppet = create(&broker.uri(), "");
    // How long after the disconnect CONNECT comes.
    let mut round = |closes: bool| {
        puppet.ok("connect clean=0 version=4");
        let (mut peer, ..) = serve(&broker);
        puppet.expect("onconnect");
        puppet.token("send a/b last 1");
        let begun = Instant::now();
        puppet.ok("disconnect 0");
        puppet.expect("success disconnect");
        puppet.ok("connect clean=0 version=4");
        let mut next = broker.accept();
        std::thread::sleep(Duration::from_millis(100));
        let early = next.has_sent();
        assert!(
            !early || begun.elapsed() >= GRACE,
            "the first connection is not at its end"
        );
        let read = peer.expect_publish();
        peer.expect_disconnect();
        let mut kept = Some(peer);
        if closes {
            kept = None;
        }
        next.expect_connect();
        let waited = begun.elapsed();
        next.connack(false, &[]);
        let mut peer = next;
        puppet.expect("onconnect");
        assert_eq!(peer.expect_publish().id, read.id);
        peer.ack(AckKind::PubAck, read.id);
        puppet.expect("delivered");
        puppet.ok("disconnect 0");
        peer.expect_disconnect();
        drop((peer, kept));
        puppet.expect("success disconnect");
        waited
    };
    let waited = round(false);
    assert!(waited >= GRACE, "{waited:?}");
    // On a busy machine one may take as long as that, though nothing was waited for.
    let soon = (0..8).any(|_| round(true) < GRACE);
    assert!(soon, "the server's close was not noticed");
}

/// So does the end of the process: a socket with unread acknowledgements would be reset with it, and the server read no
/// further.
#[test]
fn exit_right_after_disconnect() {
    let broker = Broker::start();
    let soon = (0..8).any(|_| {
        let mut puppet = create(&broker.uri(), "");
        puppet.ok("connect clean=0 version=4");
        let (mut peer, ..) = serve(&broker);
        puppet.expect("onconnect");
        puppet.token("send a/b last 1");
        let begun = Instant::now();
        puppet.ok("disconnect 0");
        puppet.expect("success disconnect");
        puppet.end_input();
        std::thread::sleep(Duration::from_millis(100));
        let alive = puppet.is_alive();
        assert!(alive || begun.elapsed() >= GRACE, "it did not wait");
        // What comes now is thrown away and resets nothing, unless the machine is so busy that the grace is over.
        if begun.elapsed() >= GRACE {
            return false;
        }
        let publish = peer.expect_publish();
        peer.ack(AckKind::PubAck, publish.id);
        peer.expect_disconnect();
        peer.expect_close();
        drop(peer);
        puppet.quit();
        begun.elapsed() < GRACE
    });
    assert!(soon, "the server's close was not noticed");
}
