//! When to send PINGREQ and when to give the server up.
//!
//! A ping is due when nothing was sent, or nothing received, for the keep-alive interval: the first is what the server
//! measures (`[MQTT-3.1.2-23]` in 3.1.1, `[MQTT-3.1.2-20]` in 5), the second finds a dead peer while the program only
//! publishes at QoS 0. Half an interval later without any byte from the server the connection is dead, which makes it
//! at most one and a half intervals after the last sign of life, as the server itself counts (`[MQTT-3.1.2-24]`).

use std::time::{Duration, Instant};

/// Keep-alive state of one connection.
#[derive(Debug)]
pub struct KeepAlive {
    interval: Duration,
    last_sent: Instant,
    last_received: Instant,
    pinged: Option<Ping>,
}

/// An outstanding PINGREQ.
#[derive(Debug)]
struct Ping {
    /// When it was handed over, moved on while bytes ahead of it are still being written.
    at: Instant,
    /// Stream position of its end.
    position: u64,
    /// The socket has taken it.
    written: bool,
}

/// What is due now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// A PINGREQ has to be sent.
    Ping,
    /// The server has not answered: the connection is dead.
    Dead,
}

impl KeepAlive {
    /// A connection established at `now`; an interval of zero turns keep-alive off.
    pub fn new(interval: Duration, now: Instant) -> Self {
        Self {
            interval,
            last_sent: now,
            last_received: now,
            pinged: None,
        }
    }

    /// The interval in force.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// The socket took the stream's bytes up to `position`. While a ping waits behind a large message its answer cannot
    /// be late yet; what is written after it says nothing about the server.
    pub fn sent(&mut self, now: Instant, position: u64) {
        self.last_sent = now;
        if let Some(ping) = &mut self.pinged {
            if !ping.written {
                ping.at = now;
                ping.written = position >= ping.position;
            }
        }
    }

    /// Bytes arrived: the server lives, whether it was the PINGRESP or the middle of a large message.
    pub fn received(&mut self, now: Instant) {
        self.last_received = now;
        self.pinged = None;
    }

    fn grace(&self) -> Duration {
        self.interval / 2
    }

    /// When [`due`](Self::due) has to be asked again.
    pub fn deadline(&self) -> Option<Instant> {
        if self.interval.is_zero() {
            return None;
        }
        Some(match &self.pinged {
            Some(ping) => ping.at + self.grace(),
            None => self.last_sent.min(self.last_received) + self.interval,
        })
    }

    /// What is due at `now`. After [`Due::Ping`] the ping counts as sent, its bytes ending at stream position `position`.
    pub fn due(&mut self, now: Instant, position: u64) -> Due {
        match self.deadline() {
            Some(at) if now >= at => {
                if self.pinged.is_some() {
                    Due::Dead
                } else {
                    self.pinged = Some(Ping {
                        at: now,
                        position,
                        written: false,
                    });
                    self.last_sent = now;
                    Due::Ping
                }
            }
            _ => Due::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn pings_after_an_interval_without_sending() {
        let t = Instant::now();
        let mut k = KeepAlive::new(10 * S, t);
        k.received(t + 9 * S);
        assert_eq!(k.due(t + 9 * S, 100), Due::Nothing);
        assert_eq!(k.due(t + 10 * S, 100), Due::Ping);
        assert_eq!(k.deadline(), Some(t + 15 * S));
    }

    #[test]
    fn pings_after_an_interval_without_receiving_although_it_sends() {
        let t = Instant::now();
        let mut k = KeepAlive::new(10 * S, t);
        k.sent(t + 9 * S, 50);
        assert_eq!(k.due(t + 10 * S, 100), Due::Ping);
    }

    #[test]
    fn any_byte_answers_a_ping_and_silence_is_death() {
        let t = Instant::now();
        let mut k = KeepAlive::new(10 * S, t);
        assert_eq!(k.due(t + 10 * S, 100), Due::Ping);
        k.received(t + 11 * S);
        assert_eq!(k.due(t + 15 * S, 100), Due::Nothing);
        assert_eq!(k.due(t + 20 * S, 100), Due::Ping);
        assert_eq!(k.due(t + 25 * S, 100), Due::Dead);
    }

    #[test]
    fn a_ping_behind_a_large_message_is_not_late_while_bytes_move() {
        let t = Instant::now();
        let mut k = KeepAlive::new(10 * S, t);
        assert_eq!(k.due(t + 10 * S, 100), Due::Ping);
        k.sent(t + 14 * S, 99);
        assert_eq!(k.due(t + 15 * S, 100), Due::Nothing);
        k.sent(t + 15 * S, 100);
        k.sent(t + 18 * S, 900);
        assert_eq!(
            k.due(t + 20 * S, 1000),
            Due::Dead,
            "the ping is out, later bytes do not count"
        );
    }

    #[test]
    fn zero_turns_it_off() {
        let t = Instant::now();
        let mut k = KeepAlive::new(Duration::ZERO, t);
        assert_eq!(k.deadline(), None);
        assert_eq!(k.due(t + 1_000_000 * S, 0), Due::Nothing);
    }
}
