//! What is measured: what a scenario is made of, and the list of them.

mod delay;
mod events;
mod throughput;

/// A library, or what takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// This library.
    Ours,
    /// This library, in the way that a row of our own API is compared with: callbacks, or a connection of the library's own.
    OtherWay,
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
    /// Our own API.
    Events,
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
    /// At least so much of the bare socket.
    OfRaw(f64),
    /// At most so many times the bare socket's.
    AtMostRaw(f64),
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
    /// What a row of our own API is compared with: program and arguments.
    pub other_way: Option<(Program, &'static str)>,
    /// Who takes turns with this library in its own process. The program compares the neighbouring turns itself.
    pub paired: Option<Kind>,
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
            Kind::Ours | Kind::OtherWay => self.n.ours,
            Kind::Paho => self.n.paho,
            Kind::Mosquitto => self.n.mosquitto,
            Kind::Raw => self.n.raw,
        }
    }

    /// Whether the kind takes part.
    pub fn takes(&self, kind: Kind) -> bool {
        match kind {
            Kind::Ours => true,
            // In the same process: no runs of its own.
            kind if self.paired == Some(kind) => false,
            Kind::OtherWay => self.other_way.is_some(),
            Kind::Paho => self.program != Program::Events,
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

    /// The bare socket speaks 3.1.1 on one thread.
    fn without_raw(mut self) -> Self {
        self.with_raw = false;
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

    fn other_way(mut self, program: Program, args: &'static str) -> Self {
        self.other_way = Some((program, args));
        self
    }

    fn paired(mut self, with: Kind) -> Self {
        self.paired = Some(with);
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

/// The same rate as [`rate`], compared with the bare socket's.
fn of_raw(share: f64) -> Metric {
    Metric {
        title: "messages/s, to the bare socket",
        target: Target::OfRaw(share),
        ..rate(0.0)
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
        other_way: None,
        paired: None,
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
    let mut all = throughput::publishing();
    all.extend(throughput::receiving());
    all.extend(throughput::blocking());
    all.extend(delay::transports());
    all.extend(delay::delays());
    all.extend(delay::many());
    all.extend(delay::everyday());
    all.extend(events::all());
    all
}
