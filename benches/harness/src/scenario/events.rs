//! Our own API beside `MQTTAsync`'s callbacks, and its ways to carry a connection beside each other.

use super::{Kind, Program, Scenario, Target, count, lower, rate, scenario};

/// Compared with the same program on a connection of the library's own, which takes turns with it in one process.
fn carried(
    name: &'static str,
    title: &'static str,
    args: &'static str,
    n: u64,
    target: f64,
) -> Scenario {
    scenario(
        Program::Events,
        name,
        title,
        args,
        count(n, 0, 0, 0),
        target,
    )
    .paired(Kind::OtherWay)
}

fn events(
    name: &'static str,
    title: &'static str,
    args: &'static str,
    n: u64,
    target: f64,
) -> Scenario {
    scenario(
        Program::Events,
        name,
        title,
        args,
        count(n, 0, 0, n),
        target,
    )
    .other_way(Program::Async, args)
}

/// Compared with a bare socket, which takes turns with it in one process.
fn round_trip(name: &'static str, title: &'static str, args: &'static str) -> Scenario {
    let n = count(15_600, 0, 0, 0);
    scenario(Program::Events, name, title, args, n, 0.0)
        .paired(Kind::Raw)
        .metrics(vec![lower("rtt_p50", "p50", "µs", Target::AtMostRaw(1.1))])
}

pub fn all() -> Vec<Scenario> {
    vec![
        events(
            "events-publish-0",
            "events: publish QoS 0",
            "publish qos=0",
            500_000,
            1.0,
        ),
        events(
            "events-publish-1",
            "events: publish QoS 1",
            "publish qos=1",
            300_000,
            1.0,
        ),
        events(
            "events-receive-0",
            "events: receive QoS 0",
            "receive qos=0",
            500_000,
            1.3,
        ),
        events(
            "events-receive-1",
            "events: receive QoS 1",
            "receive qos=1",
            300_000,
            1.3,
        ),
        scenario(
            Program::Events,
            "events-receive-0-driven",
            "events: receive QoS 0, the program's thread drives",
            "receive qos=0 drive=1",
            count(500_000, 0, 0, 0),
            1.3,
        )
        .other_way(Program::Async, "receive qos=0"),
        scenario(
            Program::Events,
            "events-clients-5000",
            "events: 5,000 clients on one queue, a message from each in turn, QoS 1",
            "clients clients=5000 each=8 qos=1 seconds=1",
            count(1, 0, 0, 0),
            1.0,
        )
        .other_way(
            Program::Async,
            "clients clients=5000 each=8 qos=1 seconds=1",
        )
        .metrics(vec![
            rate(1.0),
            lower(
                "rss_per_client_kib",
                "memory of an idle client",
                "KiB",
                Target::None,
            ),
        ]),
        carried(
            "events-adopted-publish-0",
            "events, adopted socket: publish QoS 0",
            "publish qos=0 link=fd beside=own",
            3_000_000,
            0.95,
        ),
        carried(
            "events-adopted-receive-0",
            "events, adopted socket: receive QoS 0",
            "receive qos=0 link=fd beside=own",
            3_000_000,
            0.95,
        ),
        carried(
            "events-adopted-receive-1",
            "events, adopted socket: receive QoS 1",
            "receive qos=1 link=fd beside=own",
            3_000_000,
            0.95,
        ),
        carried(
            "events-fed-publish-0",
            "events, fed stream: publish QoS 0",
            "publish qos=0 link=feed beside=own",
            3_000_000,
            0.75,
        ),
        carried(
            "events-fed-publish-1",
            "events, fed stream: publish QoS 1",
            "publish qos=1 link=feed beside=own",
            3_000_000,
            0.75,
        ),
        carried(
            "events-pumped-publish-0",
            "events, fed stream, a thread carries: publish QoS 0",
            "publish qos=0 link=pump beside=own",
            3_000_000,
            0.75,
        ),
        carried(
            "events-pumped-publish-1",
            "events, fed stream, a thread carries: publish QoS 1",
            "publish qos=1 link=pump beside=own",
            3_000_000,
            0.75,
        ),
        carried(
            "events-fed-receive-0",
            "events, fed stream: receive QoS 0",
            "receive qos=0 link=feed beside=own",
            3_000_000,
            0.75,
        ),
        carried(
            "events-fed-receive-1",
            "events, fed stream: receive QoS 1",
            "receive qos=1 link=feed beside=own",
            3_000_000,
            0.75,
        ),
        round_trip(
            "events-round-trip-0",
            "events, the program's thread drives: round trip QoS 0",
            "pingpong qos=0 drive=1 beside=bare",
        ),
        round_trip(
            "events-round-trip-polled-0",
            "events, the program's thread drives: round trip QoS 0, beside a bare socket that is polled too",
            "pingpong qos=0 drive=1 beside=polled",
        ),
    ]
}
