//! What is measured: one entry a scenario.

/// A library, or what takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// This library.
    Ours,
    /// Another library with Paho's interface.
    Paho,
    /// libmosquitto.
    Mosquitto,
    /// No library: a bare socket.
    Raw,
}

/// The program that a scenario runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Async,
    Blocking,
    Load,
}

/// What the clients connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    Tcp,
    Tls,
    WebSocket,
    /// The broker mosquitto, the everyday case.
    Mosquitto,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Higher,
    Lower,
}

/// What this library should reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// At least so many times the best peer.
    AtLeast(f64),
    /// At most so much of the best peer.
    AtMost(f64),
    /// At most this value.
    Limit(f64),
    /// Nothing asked for.
    None,
}

/// A figure of a scenario, one line of the table.
#[derive(Clone, Debug)]
pub struct Metric {
    /// The key in the programs' report, or one that the harness computes: `rate`.
    pub key: &'static str,
    pub title: &'static str,
    pub unit: &'static str,
    pub better: Better,
    pub target: Target,
}

/// How many messages: few enough for the slow, many enough for the fast.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    pub ours: u64,
    pub paho: u64,
    pub mosquitto: u64,
    pub raw: u64,
}

#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: &'static str,
    pub title: &'static str,
    pub program: Program,
    pub server: Server,
    /// The programs' arguments, without `n`.
    pub args: &'static str,
    pub n: Count,
    pub metrics: Vec<Metric>,
    pub with_mosquitto: bool,
    pub with_raw: bool,
    /// Only in the full set.
    pub full: bool,
    /// Needs a directory for the message store.
    pub store: bool,
}

impl Scenario {
    pub fn count(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Ours => self.n.ours,
            Kind::Paho => self.n.paho,
            Kind::Mosquitto => self.n.mosquitto,
            Kind::Raw => self.n.raw,
        }
    }

    /// Whether the kind takes part.
    pub fn takes(&self, kind: Kind) -> bool {
        match kind {
            Kind::Ours | Kind::Paho => true,
            Kind::Mosquitto => self.with_mosquitto,
            Kind::Raw => self.with_raw,
        }
    }

    fn mosquitto(mut self) -> Self {
        self.with_mosquitto = true;
        self
    }

    fn raw(mut self) -> Self {
        self.with_raw = true;
        self
    }

    fn full(mut self) -> Self {
        self.full = true;
        self
    }

    fn server(mut self, server: Server) -> Self {
        self.server = server;
        self
    }

    fn store(mut self) -> Self {
        self.store = true;
        self
    }

    fn metrics(mut self, metrics: Vec<Metric>) -> Self {
        self.metrics = metrics;
        self
    }
}

fn rate(target: f64) -> Metric {
    Metric {
        key: "rate",
        title: "messages/s",
        unit: "/s",
        better: Better::Higher,
        target: if target > 0.0 {
            Target::AtLeast(target)
        } else {
            Target::None
        },
    }
}

fn lower(key: &'static str, title: &'static str, unit: &'static str, target: Target) -> Metric {
    Metric {
        key,
        title,
        unit,
        better: Better::Lower,
        target,
    }
}

fn round_trip() -> Vec<Metric> {
    vec![
        lower("rtt_p50", "p50", "µs", Target::AtMost(0.9)),
        lower("rtt_p99", "p99", "µs", Target::AtMost(1.0)),
    ]
}

const fn count(ours: u64, paho: u64, mosquitto: u64, raw: u64) -> Count {
    Count {
        ours,
        paho,
        mosquitto,
        raw,
    }
}

fn scenario(
    program: Program,
    name: &'static str,
    title: &'static str,
    args: &'static str,
    n: Count,
    target: f64,
) -> Scenario {
    Scenario {
        name,
        title,
        program,
        server: Server::Tcp,
        args,
        n,
        metrics: vec![rate(target)],
        with_mosquitto: false,
        with_raw: false,
        full: false,
        store: false,
    }
}

/// All scenarios, in the order of the table.
pub fn all() -> Vec<Scenario> {
    let mut all = publishing();
    all.extend(receiving());
    all.extend(blocking());
    all.extend(transports());
    all.extend(delays());
    all.extend(many());
    all.extend(everyday());
    all
}

fn publishing() -> Vec<Scenario> {
    use Program::Async;
    let publish = |name, title, args, n, target| {
        scenario(Async, name, title, args, n, target)
            .mosquitto()
            .raw()
    };
    vec![
        publish(
            "publish-0-16",
            "publish QoS 0, 16 B",
            "publish qos=0 size=16",
            count(1_000_000, 100_000, 100_000, 3_000_000),
            5.0,
        ),
        publish(
            "publish-0-256",
            "publish QoS 0, 256 B",
            "publish qos=0",
            count(1_000_000, 100_000, 100_000, 2_000_000),
            5.0,
        ),
        publish(
            "publish-0-1k",
            "publish QoS 0, 1 KiB",
            "publish qos=0 size=1024",
            count(400_000, 60_000, 100_000, 800_000),
            5.0,
        )
        .full(),
        publish(
            "publish-0-4k",
            "publish QoS 0, 4 KiB",
            "publish qos=0 size=4096",
            count(200_000, 30_000, 60_000, 300_000),
            3.0,
        ),
        publish(
            "publish-0-64k",
            "publish QoS 0, 64 KiB",
            "publish qos=0 size=65536",
            count(20_000, 300, 10_000, 30_000),
            1.3,
        ),
        publish(
            "publish-0-1m",
            "publish QoS 0, 1 MiB",
            "publish qos=0 size=1048576",
            count(1_000, 50, 400, 1_500),
            0.0,
        )
        .full(),
        publish(
            "publish-0-callbacks",
            "publish QoS 0, a callback for each, 1,000 under way",
            "publish qos=0 window=1000",
            count(500_000, 60_000, 100_000, 1_000_000),
            5.0,
        ),
        publish(
            "publish-1",
            "publish QoS 1",
            "publish qos=1",
            count(30_000, 30_000, 30_000, 500_000),
            10.0,
        ),
        publish(
            "publish-1-100",
            "publish QoS 1, 100 under way",
            "publish qos=1 window=100 inflight=100",
            count(300_000, 50_000, 60_000, 500_000),
            10.0,
        ),
        publish(
            "publish-2",
            "publish QoS 2",
            "publish qos=2",
            count(8_000, 8_000, 8_000, 300_000),
            10.0,
        ),
        publish(
            "publish-2-100",
            "publish QoS 2, 100 under way",
            "publish qos=2 window=100 inflight=100",
            count(150_000, 10_000, 30_000, 300_000),
            10.0,
        )
        .full(),
        scenario(
            Async,
            "publish-1-store",
            "publish QoS 1, default file store",
            "publish qos=1 window=1000",
            count(20_000, 4_000, 0, 0),
            10.0,
        )
        .store(),
        publish(
            "publish-1-v5",
            "publish QoS 1, MQTT 5 with properties",
            "publish qos=1 version=5 properties=1 window=1000",
            count(200_000, 30_000, 40_000, 0),
            10.0,
        )
        .without_raw(),
        publish(
            "threads-0",
            "publish QoS 0 from 4 threads on one client",
            "publish qos=0 threads=4",
            count(200_000, 25_000, 25_000, 0),
            5.0,
        )
        .without_raw(),
        publish(
            "threads-1",
            "publish QoS 1 from 4 threads on one client",
            "publish qos=1 threads=4",
            count(7_500, 7_500, 7_500, 0),
            5.0,
        )
        .without_raw(),
        scenario(
            Async,
            "offline",
            "200,000 QoS 1 messages of 100 B queued offline",
            "offline qos=1 size=100",
            count(200_000, 60_000, 0, 0),
            0.0,
        )
        .metrics(offline()),
        scenario(
            Async,
            "offline-1m",
            "1,000,000 QoS 1 messages of 100 B queued offline",
            "offline qos=1 size=100",
            count(1_000_000, 60_000, 0, 0),
            0.0,
        )
        .metrics(offline())
        .full(),
    ]
}

impl Scenario {
    /// The bare socket speaks 3.1.1 on one thread.
    fn without_raw(mut self) -> Self {
        self.with_raw = false;
        self
    }
}

fn offline() -> Vec<Metric> {
    vec![
        Metric {
            key: "sent",
            title: "accepted and delivered",
            unit: "",
            better: Better::Higher,
            target: Target::None,
        },
        rate(0.0),
        lower(
            "peak_kib",
            "peak memory",
            "KiB",
            Target::Limit(300e6 / 1024.0),
        ),
        lower("bytes_per_message", "memory for each", "B", Target::None),
    ]
}

fn receiving() -> Vec<Scenario> {
    use Program::Async;
    let receive = |name, title, args, n, target| {
        scenario(Async, name, title, args, n, target)
            .mosquitto()
            .raw()
    };
    vec![
        receive(
            "receive-0",
            "receive QoS 0",
            "receive qos=0",
            count(500_000, 100_000, 150_000, 1_000_000),
            5.0,
        ),
        receive(
            "receive-1",
            "receive QoS 1",
            "receive qos=1",
            count(400_000, 60_000, 60_000, 600_000),
            4.0,
        ),
        receive(
            "receive-2",
            "receive QoS 2",
            "receive qos=2",
            count(200_000, 10_000, 20_000, 300_000),
            4.0,
        ),
        receive(
            "receive-0-16",
            "receive QoS 0, 16 B",
            "receive qos=0 size=16",
            count(800_000, 100_000, 150_000, 2_000_000),
            5.0,
        )
        .full(),
        receive(
            "receive-0-4k",
            "receive QoS 0, 4 KiB",
            "receive qos=0 size=4096",
            count(200_000, 60_000, 100_000, 300_000),
            0.0,
        )
        .full(),
        receive(
            "receive-0-64k",
            "receive QoS 0, 64 KiB",
            "receive qos=0 size=65536",
            count(20_000, 10_000, 10_000, 30_000),
            0.0,
        ),
        receive(
            "receive-1-v5",
            "receive QoS 1, MQTT 5 with properties",
            "receive qos=1 version=5",
            count(300_000, 40_000, 60_000, 0),
            4.0,
        )
        .without_raw(),
    ]
}

fn blocking() -> Vec<Scenario> {
    use Program::Blocking;
    let blocking = |name, title, args, n, target| scenario(Blocking, name, title, args, n, target);
    vec![
        blocking(
            "blocking-publish-0",
            "blocking API: publish QoS 0",
            "publish qos=0",
            count(1_000_000, 200_000, 0, 2_000_000),
            2.0,
        )
        .raw(),
        blocking(
            "blocking-publish-1",
            "blocking API: publish QoS 1, one at a time",
            "publish qos=1 window=1 callbacks=1",
            count(20_000, 30, 0, 20_000),
            100.0,
        )
        .raw(),
        blocking(
            "blocking-publish-2",
            "blocking API: publish QoS 2, one at a time",
            "publish qos=2 window=1 callbacks=1",
            count(10_000, 30, 0, 10_000),
            100.0,
        )
        .raw(),
        blocking(
            "blocking-publish-1-wait",
            "blocking API without callbacks: publish QoS 1, waitForCompletion for each",
            "publish qos=1 wait=1",
            count(20_000, 20, 0, 0),
            100.0,
        ),
        blocking(
            "blocking-receive-0",
            "blocking API: receive QoS 0",
            "receive qos=0",
            count(500_000, 100_000, 0, 1_000_000),
            5.0,
        )
        .raw(),
        blocking(
            "blocking-receive-1",
            "blocking API: receive QoS 1",
            "receive qos=1",
            count(400_000, 60_000, 0, 600_000),
            4.0,
        )
        .raw(),
        blocking(
            "blocking-receive-2",
            "blocking API: receive QoS 2",
            "receive qos=2",
            count(200_000, 10_000, 0, 300_000),
            4.0,
        )
        .raw(),
        blocking(
            "blocking-callbacks-1",
            "blocking API with callbacks: receive QoS 1",
            "callbacks qos=1",
            count(400_000, 60_000, 0, 600_000),
            4.0,
        )
        .full(),
    ]
}

fn transports() -> Vec<Scenario> {
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

fn delays() -> Vec<Scenario> {
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

fn many() -> Vec<Scenario> {
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

fn everyday() -> Vec<Scenario> {
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
