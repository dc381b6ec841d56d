//! Connections that end, slow down or go silent at every byte of an exchange.
//!
//! The exchange is a subscription and a message each of `QoS` 0, 1 and 2, which the client gets back: every packet of a session,
//! both ways. A proxy between client and server cuts it at one place; then the program connects again, and all has to come to
//! its end: what was accepted at `QoS` 1 and 2 arrives, at `QoS` 2 once, and every token has one completion.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::mosquitto::Mosquitto;
use crate::proxy::{Fate, Observer, Proxy, Way};
use crate::puppet::{Api, Puppet, Whose};

/// One place at which one connection is cut.
struct Knife {
    way: Way,
    at: usize,
    fate: fn(usize) -> Fate,
    /// Bytes that went each way, over all connections.
    went: [AtomicUsize; 2],
    /// When it was used.
    used: Mutex<Option<Instant>>,
}

impl Knife {
    fn new(way: Way, at: usize, fate: fn(usize) -> Fate) -> Self {
        Self {
            way,
            at,
            fate,
            went: [AtomicUsize::new(0), AtomicUsize::new(0)],
            used: Mutex::new(None),
        }
    }
}

impl Observer for Knife {
    fn see(&self, _: usize, way: Way, _: usize, bytes: &[u8]) -> Fate {
        let before = self.went[way as usize].fetch_add(bytes.len(), Ordering::Relaxed);
        if way == self.way && (before..before + bytes.len()).contains(&self.at) {
            *self.used.lock().unwrap() = Some(Instant::now());
            return (self.fate)(self.at - before);
        }
        Fate::Pass
    }
}

fn close(after: usize) -> Fate {
    Fate::Cut {
        after,
        reset: false,
    }
}

fn reset(after: usize) -> Fate {
    Fate::Cut { after, reset: true }
}

fn swallow(after: usize) -> Fate {
    Fate::Swallow { after }
}

fn trickle(_: usize) -> Fate {
    Fate::Trickle
}

/// The exchange from the program's side.
struct Exchange<'a> {
    puppet: &'a mut Puppet,
    topic: String,
    v5: bool,
    keep_alive: u32,
    connected: bool,
    subscribed: bool,
    /// Payload of each message, by its token.
    sent: HashMap<i32, &'static str>,
    completions: HashMap<i32, u32>,
    arrived: HashMap<String, u32>,
    losses: Vec<Instant>,
}

const MESSAGES: [(&str, u8); 3] = [("zero", 0), ("one", 1), ("two", 2)];

impl<'a> Exchange<'a> {
    fn run(puppet: &'a mut Puppet, uri: &str, name: &str, v5: bool, keep_alive: u32) -> Self {
        puppet.ok(&format!(
            "create {uri} {name} - offline=1 v5={}",
            u8::from(v5)
        ));
        let mut exchange = Self {
            puppet,
            topic: format!("cut/{name}"),
            v5,
            keep_alive,
            connected: false,
            subscribed: false,
            sent: HashMap::new(),
            completions: HashMap::new(),
            arrived: HashMap::new(),
            losses: Vec::new(),
        };
        exchange.connect();
        while !exchange.is_done() {
            let event = exchange.puppet.next();
            exchange.take(&event);
        }
        // Cut behind the last message, the connection may have gone by itself.
        if exchange.puppet.call("disconnect 2000") == "0" {
            exchange.puppet.expect("success disconnect");
        }
        exchange.puppet.call("destroy");
        for event in exchange.puppet.take_events() {
            if event != "lost" {
                exchange.take(&event);
            }
        }
        exchange
    }

    fn connect(&mut self) {
        let keep = self.keep_alive;
        let version = if self.v5 { "" } else { "version=4" };
        self.puppet
            .ok(&format!("connect clean=0 keep={keep} timeout=5 {version}"));
    }

    fn is_done(&self) -> bool {
        self.connected
            && self.sent.len() == MESSAGES.len()
            && self.completions.len() == MESSAGES.len()
            && ["one", "two"]
                .iter()
                .all(|payload| self.arrived.contains_key(*payload))
    }

    fn subscribe(&mut self) {
        let command = format!("subscribe {} 2", self.topic);
        // Refused where the connection has gone meanwhile: `lost` comes, and the next one subscribes.
        let _ = self.puppet.call(&command);
    }

    fn take(&mut self, event: &str) {
        let words: Vec<&str> = event.split(' ').collect();
        match words[0] {
            "onconnectfailure" => self.connect(),
            "onconnect" => {
                self.connected = true;
                if !self.subscribed {
                    self.subscribe();
                }
            }
            "lost" | "disconnected-by-server" => {
                self.connected = false;
                self.losses.push(Instant::now());
                self.connect();
            }
            "success" if words[1] == "subscribe" => {
                self.subscribed = true;
                for (payload, qos) in MESSAGES {
                    let command = format!("send {} {payload} {qos}", self.topic);
                    let token = self.puppet.token(&command);
                    self.sent.insert(token, payload);
                }
            }
            // The subscription broke off with its connection.
            "failure" if words[1] == "subscribe" => assert_eq!(words[3], "-11"),
            "success" => {
                *self
                    .completions
                    .entry(words[2].parse().unwrap())
                    .or_default() += 1;
            }
            "failure" => {
                let token = words[2].parse().unwrap();
                assert_eq!(self.sent.get(&token), Some(&"zero"), "{event}");
                *self.completions.entry(token).or_default() += 1;
            }
            "message" => *self.arrived.entry(words[2].to_owned()).or_default() += 1,
            "connected" | "delivered" => {}
            _ => panic!("{event}"),
        }
    }

    fn check(&self, what: &str) {
        for (token, payload) in &self.sent {
            assert_eq!(
                self.completions.get(token),
                Some(&1),
                "{what}: completions of {payload}"
            );
        }
        let arrived = |payload: &str| self.arrived.get(payload).copied().unwrap_or(0);
        assert!(
            arrived("zero") <= 1,
            "{what}: QoS 0 came {}",
            arrived("zero")
        );
        assert!(arrived("one") >= 1, "{what}");
        assert_eq!(arrived("two"), 1, "{what}: QoS 2");
    }
}

/// How many bytes the exchange has each way.
fn record(broker: &Mosquitto, v5: bool) -> [usize; 2] {
    let knife = Arc::new(Knife::new(Way::Up, usize::MAX, close));
    let proxy = Proxy::start(broker.port(), Arc::clone(&knife) as _);
    let mut puppet = Puppet::start(Api::Async, Whose::Ours);
    let exchange = Exchange::run(&mut puppet, &proxy.uri(), "r000-U-0000", v5, 0);
    exchange.check("uncut");
    assert!(exchange.losses.is_empty());
    [Way::Up, Way::Down].map(|way| knife.went[way as usize].load(Ordering::Relaxed))
}

/// Cuts at every byte, several at a time.
fn cut_everywhere(v5: bool) {
    let broker = Mosquitto::start(&[]);
    let lengths = record(&broker, v5);
    let mut places = Vec::new();
    for (way, fates) in [(Way::Up, 0), (Way::Down, 1)] {
        for at in 0..lengths[fates] {
            // Behind the last byte nothing is to be seen; a cut there is the next connection's affair.
            for (name, fate) in [("c", close as fn(usize) -> Fate), ("r", reset)] {
                places.push((way, at, name, fate));
            }
        }
    }
    let used = AtomicUsize::new(0);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut puppet = Puppet::start(Api::Async, Whose::Ours);
                while let Some((way, at, name, fate)) =
                    places.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let knife = Arc::new(Knife::new(*way, *at, *fate));
                    let proxy = Proxy::start(broker.port(), Arc::clone(&knife) as _);
                    let client = format!("{name}{}00-{way:?}-{at:04}", u8::from(v5));
                    let exchange = Exchange::run(&mut puppet, &proxy.uri(), &client, v5, 0);
                    exchange.check(&client);
                    used.fetch_add(
                        usize::from(knife.used.lock().unwrap().is_some()),
                        Ordering::Relaxed,
                    );
                }
            });
        }
    });
    let used = used.load(Ordering::Relaxed);
    println!(
        "MQTT {}: {used} of {} cuts in an exchange of {lengths:?} bytes",
        if v5 { 5 } else { 4 },
        places.len()
    );
    assert!(
        used * 100 >= places.len() * 97,
        "{used} of {}",
        places.len()
    );
}

#[test]
fn cut_everywhere_4() {
    cut_everywhere(false);
}

#[test]
fn cut_everywhere_5() {
    cut_everywhere(true);
}

/// One byte a segment, both ways.
#[test]
fn slow_connection() {
    struct Slow;
    impl Observer for Slow {
        fn see(&self, _: usize, _: Way, _: usize, _: &[u8]) -> Fate {
            trickle(0)
        }
    }
    let broker = Mosquitto::start(&[]);
    for v5 in [false, true] {
        let proxy = Proxy::start(broker.port(), Arc::new(Slow));
        let mut puppet = Puppet::start(Api::Async, Whose::Ours);
        let exchange = Exchange::run(&mut puppet, &proxy.uri(), "slow", v5, 0);
        exchange.check("slow");
        assert!(exchange.losses.is_empty());
    }
}

/// A peer that goes silent, both ways and without a sign, is found dead within one and a half keep-alive intervals, whatever
/// the exchange was at; then all goes on.
#[test]
fn silent_peer() {
    const KEEP_ALIVE: u32 = 6;
    let broker = Mosquitto::start(&[]);
    let [up, down] = record(&broker, false);
    // Behind CONNECT and CONNACK: before the connection stands it is the connect timeout that counts.
    let places: Vec<(Way, usize)> = (1..6)
        .flat_map(|part| {
            [
                (Way::Up, 40 + (up - 41) * part / 6),
                (Way::Down, 5 + (down - 6) * part / 6),
            ]
        })
        .collect();
    std::thread::scope(|scope| {
        for (way, at) in places {
            let port = broker.port();
            scope.spawn(move || {
                let knife = Arc::new(Knife::new(way, at, swallow));
                let proxy = Proxy::start(port, Arc::clone(&knife) as _);
                let mut puppet = Puppet::start(Api::Async, Whose::Ours);
                let name = format!("s000-{way:?}-{at:04}");
                let exchange = Exchange::run(&mut puppet, &proxy.uri(), &name, false, KEEP_ALIVE);
                exchange.check(&name);
                let silent = knife.used.lock().unwrap().expect("it was used");
                assert_eq!(exchange.losses.len(), 1, "{name}");
                let found = exchange.losses[0] - silent;
                let limit = Duration::from_secs(u64::from(KEEP_ALIVE)).mul_f64(1.5);
                // What a busy machine adds is no fault; the exact times are tested with a clock by hand, in `protocol/keepalive.rs`.
                assert!(
                    found < limit + Duration::from_secs(20),
                    "{name}: found after {found:?}"
                );
            });
        }
    });
}
