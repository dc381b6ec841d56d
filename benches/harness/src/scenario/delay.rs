//! Other transports, delays, many clients, and a real broker.

use super::{Metric, Program, Scenario, Server, Target, count, lower, rate, round_trip, scenario};

pub fn transports() -> Vec<Scenario> {
    use Program::{Async, Blocking};
    vec![
        scenario(
            Async,
            "tls-publish-0",
            "TLS: publish QoS 0",
            "publish qos=0",
            count(500_000, 60_000, 100_000, 0),
            3.0,
        )
        .mosquitto()
        .server(Server::Tls),
        scenario(
            Async,
            "tls-publish-1",
            "TLS: publish QoS 1",
            "publish qos=1",
            count(60_000, 20_000, 40_000, 0),
            8.0,
        )
        .mosquitto()
        .server(Server::Tls),
        scenario(
            Async,
            "tls-receive-1",
            "TLS: receive QoS 1",
            "receive qos=1",
            count(200_000, 40_000, 60_000, 0),
            0.0,
        )
        .mosquitto()
        .server(Server::Tls)
        .full(),
        scenario(
            Async,
            "tls-round-trip-0",
            "TLS: round trip QoS 0",
            "pingpong qos=0",
            count(3_000, 3_000, 3_000, 0),
            0.0,
        )
        .mosquitto()
        .server(Server::Tls)
        .metrics(round_trip()),
        scenario(
            Blocking,
            "tls-blocking-round-trip-0",
            "TLS, blocking API: round trip QoS 0",
            "pingpong qos=0",
            count(3_000, 3_000, 0, 0),
            0.0,
        )
        .server(Server::Tls)
        .metrics(round_trip())
        .full(),
        scenario(
            Async,
            "ws-publish-0",
            "WebSocket: publish QoS 0",
            "publish qos=0",
            count(500_000, 60_000, 0, 0),
            0.0,
        )
        .server(Server::WebSocket),
        scenario(
            Async,
            "ws-publish-1",
            "WebSocket: publish QoS 1",
            "publish qos=1 window=1000",
            count(100_000, 20_000, 0, 0),
            0.0,
        )
        .server(Server::WebSocket),
        scenario(
            Async,
            "ws-receive-0",
            "WebSocket: receive QoS 0",
            "receive qos=0",
            count(200_000, 60_000, 0, 0),
            0.0,
        )
        .server(Server::WebSocket),
        scenario(
            Async,
            "ws-round-trip-0",
            "WebSocket: round trip QoS 0",
            "pingpong qos=0",
            count(3_000, 3_000, 0, 0),
            0.0,
        )
        .server(Server::WebSocket)
        .metrics(round_trip())
        .full(),
    ]
}

pub fn delays() -> Vec<Scenario> {
    use Program::{Async, Blocking};
    vec![
        scenario(
            Async,
            "round-trip-0",
            "round trip QoS 0",
            "pingpong qos=0",
            count(5_000, 5_000, 5_000, 5_000),
            0.0,
        )
        .mosquitto()
        .raw()
        .metrics(round_trip()),
        scenario(
            Async,
            "round-trip-1",
            "round trip QoS 1",
            "pingpong qos=1",
            count(5_000, 25, 5_000, 5_000),
            0.0,
        )
        .mosquitto()
        .raw()
        .metrics(round_trip()),
        scenario(
            Async,
            "round-trip-2",
            "round trip QoS 2",
            "pingpong qos=2",
            count(5_000, 25, 5_000, 5_000),
            0.0,
        )
        .mosquitto()
        .raw()
        .metrics(round_trip())
        .full(),
        scenario(
            Blocking,
            "blocking-round-trip-0",
            "blocking API: round trip QoS 0",
            "pingpong qos=0",
            count(5_000, 5_000, 0, 5_000),
            0.0,
        )
        .raw()
        .metrics(round_trip()),
        scenario(
            Blocking,
            "blocking-round-trip-1",
            "blocking API: round trip QoS 1",
            "pingpong qos=1",
            count(5_000, 25, 0, 5_000),
            0.0,
        )
        .raw()
        .metrics(round_trip()),
        scenario(
            Async,
            "slow-callback",
            "round trip while another client's callback sleeps 200 ms per message",
            "slow qos=0 seconds=3",
            count(5_000, 6, 5_000, 0),
            0.0,
        )
        .mosquitto()
        .metrics(vec![lower("rtt_p50", "p50", "µs", Target::AtMost(1.0))]),
        scenario(
            Async,
            "hostile-servers",
            "round trip beside four clients whose servers send PUBRELs and PINGRESPs without end",
            "hostile qos=0 clients=4 seconds=5",
            count(5_000, 5_000, 0, 0),
            0.0,
        )
        .metrics(vec![
            lower("rtt_p50", "p50", "µs", Target::None),
            lower("rtt_p99", "p99", "µs", Target::Limit(10_000.0)),
        ]),
    ]
}

fn clients_metrics() -> Vec<Metric> {
    vec![
        lower("connect_us", "connect", "µs", Target::AtMost(0.5)),
        rate(40.0),
        lower(
            "rss_per_client_kib",
            "memory of an idle client",
            "KiB",
            Target::Limit(4.0),
        ),
        lower(
            "idle_cpu_us",
            "idle CPU, keep-alive 5 s",
            "µs",
            Target::AtMost(0.5),
        ),
        lower("threads", "threads", "", Target::None),
    ]
}

pub fn many() -> Vec<Scenario> {
    use Program::{Async, Blocking, Load};
    vec![
        scenario(
            Async,
            "clients-5000",
            "5,000 clients, a message from each in turn, QoS 1",
            "clients clients=5000 each=8 qos=1 seconds=10",
            count(1, 1, 1, 1),
            0.0,
        )
        .raw()
        .metrics(clients_metrics()),
        scenario(
            Async,
            "clients-5000-qos0",
            "5,000 clients, a message from each in turn, QoS 0",
            "clients clients=5000 each=20 qos=0 seconds=1",
            count(1, 1, 1, 1),
            0.0,
        )
        .raw()
        .metrics(vec![rate(40.0)])
        .full(),
        scenario(
            Async,
            "clients-10000",
            "10,000 clients in one process, QoS 1",
            "clients clients=10000 each=4 qos=1 seconds=10",
            count(1, 1, 1, 1),
            0.0,
        )
        .metrics(clients_metrics())
        .full(),
        scenario(
            Async,
            "churn",
            "create, connect, destroy",
            "churn",
            count(500, 15, 500, 0),
            0.0,
        )
        .mosquitto()
        .metrics(vec![lower("churn_p50", "p50", "µs", Target::AtMost(1.0))]),
        scenario(
            Blocking,
            "blocking-churn",
            "blocking API: create, connect, destroy",
            "churn",
            count(500, 15, 0, 0),
            0.0,
        )
        .metrics(vec![lower("churn_p50", "p50", "µs", Target::None)])
        .full(),
        scenario(
            Load,
            "load",
            "loading the library with TLS",
            "load",
            count(1, 1, 1, 1),
            0.0,
        )
        .mosquitto()
        .metrics(vec![
            lower("load_us", "dlopen", "µs", Target::None),
            lower("create_us", "first client", "µs", Target::None),
            lower("peak_kib", "memory", "KiB", Target::None),
            lower("file_kib", "file", "KiB", Target::None),
        ]),
    ]
}

pub fn everyday() -> Vec<Scenario> {
    use Program::{Async, Blocking};
    let broker = |program, name, title, args, n| {
        scenario(program, name, title, args, n, 0.0).server(Server::Mosquitto)
    };
    vec![
        broker(
            Async,
            "broker-publish-0",
            "broker mosquitto: publish QoS 0",
            "publish qos=0 window=1000",
            count(100_000, 50_000, 100_000, 0),
        )
        .mosquitto(),
        broker(
            Async,
            "broker-publish-1",
            "broker mosquitto: publish QoS 1",
            "publish qos=1 window=100 inflight=100",
            count(50_000, 30_000, 50_000, 0),
        )
        .mosquitto(),
        broker(
            Async,
            "broker-loop-1",
            "broker mosquitto: to itself, QoS 1, 50 under way",
            "loop qos=1",
            count(20_000, 400, 20_000, 0),
        )
        .mosquitto(),
        broker(
            Async,
            "broker-round-trip-0",
            "broker mosquitto: round trip QoS 0",
            "pingpong qos=0",
            count(3_000, 3_000, 3_000, 0),
        )
        .mosquitto()
        .metrics(round_trip()),
        broker(
            Async,
            "broker-round-trip-1",
            "broker mosquitto: round trip QoS 1",
            "pingpong qos=1",
            count(3_000, 25, 3_000, 0),
        )
        .mosquitto()
        .metrics(round_trip()),
        broker(
            Blocking,
            "broker-blocking-publish-1",
            "broker mosquitto, blocking API: publish QoS 1, each waited for",
            "publish qos=1",
            count(5_000, 20, 0, 0),
        )
        .full(),
    ]
}
