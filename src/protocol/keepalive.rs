//! When to send PINGREQ and when to give the server up.
//!
//! A ping is due when nothing was sent, or nothing received, for the keep-alive interval: the first is what the server
//! measures (`[MQTT-3.1.2-23]` in 3.1.1, `[MQTT-3.1.2-20]` in 5), the second finds a dead peer while the program only
//! publishes at `QoS` 0.
//!
//! The connection is dead when one and a half intervals have passed since the last sign of life, as the server itself counts
//! (`[MQTT-3.1.2-24]`), and a ping has been out for long enough. On a line that is known to be fast, with little under way,
//! half an interval is enough, so that a dead peer is found one and a half intervals after its last byte. Otherwise it is one
//! and a half intervals, as in the original: the answer may need a long round trip, or wait behind megabytes in somebody's
//! buffers. While the peer's TCP acknowledges bytes that lie before the ping, those are signs of life.

use std::time::{Duration, Instant};

/// With more bytes than this written since the last byte of the server's, its answer may wait behind them.
const FEW: u64 = 16 * 1024;
/// A line is fast if its round trip is no longer than the interval divided by this.
const FAST: u32 = 8;
/// While bytes wait to be acknowledged, the peer's progress is looked at so many times in an interval.
const LOOKS: u32 = 8;

/// Keep-alive state of one connection.
#[derive(Debug)]
pub struct KeepAlive {
    interval: Duration,
    last_sent: Instant,
    /// The last sign of life: bytes received, or bytes of ours acknowledged.
    last_sign: Instant,
    /// Boxed, as most of the time there is none.
    pinged: Option<Box<Ping>>,
    /// The slowest of the last round trips; none known yet: not fast.
    round_trip: Option<Duration>,
    /// How long the answer to the last ping took.
    last_round_trip: Option<Duration>,
    /// How long the answer to a ping may take, where the program has said so.
    timeout: Option<Duration>,
    /// Stream position up to which bytes were written, and where it stood when the server was last heard.
    written: u64,
    written_when_heard: u64,
}

/// An outstanding PINGREQ.
#[derive(Debug)]
struct Ping {
    /// When it was handed over, moved on while bytes ahead of it are still being written or acknowledged.
    at: Instant,
    /// Stream position of its end.
    position: u64,
    /// The socket has taken it.
    written: bool,
    /// Bytes that the peer's TCP had not acknowledged when last asked, and when that was.
    unacknowledged: Option<(usize, Instant)>,
}

impl Ping {
    /// Returns when the next ping is due although this one has no answer. The server wants to hear of the client in each
    /// interval; and an answer that has come and not been read is noticed then. While the server still takes what was sent
    /// before, it hears enough.
    fn again_at(&self, last_sent: Instant, interval: Duration) -> Instant {
        match self.unacknowledged {
            Some((bytes, asked)) if bytes as u64 > FEW / 16 => last_sent.max(asked) + interval,
            _ => last_sent + interval,
        }
    }
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
    /// Makes the keep-alive of a connection established at `now`; an interval of zero turns keep-alive off.
    pub fn new(interval: Duration, now: Instant) -> Self {
        Self {
            interval,
            last_sent: now,
            last_sign: now,
            pinged: None,
            round_trip: None,
            last_round_trip: None,
            timeout: None,
            written: 0,
            written_when_heard: 0,
        }
    }

    /// Makes the keep-alive of the next connection. What the program has set stays, and what was measured for it.
    #[must_use]
    pub fn renewed(&self, interval: Duration, now: Instant) -> Self {
        Self {
            timeout: self.timeout,
            last_round_trip: self.last_round_trip,
            ..Self::new(interval, now)
        }
    }

    /// Returns the interval in force.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Sets how long the answer to a ping may take.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Returns how long the answer to the last ping took, or whatever came first after it.
    pub fn last_round_trip(&self) -> Option<Duration> {
        self.last_round_trip
    }

    /// Notes how long a question and its answer took.
    pub fn measured(&mut self, round_trip: Duration) {
        // A slow one is remembered for some while.
        let before = self.round_trip.unwrap_or(Duration::ZERO);
        self.round_trip = Some(round_trip.max(before * 3 / 4));
    }

    /// Notes that the socket took the stream's bytes up to `position`. While a ping waits behind a large message its answer
    /// cannot be late yet; what is written after it says nothing about the server.
    pub fn sent(&mut self, now: Instant, position: u64) {
        self.last_sent = now;
        self.written = position;
        if let Some(ping) = &mut self.pinged {
            if !ping.written {
                ping.at = now;
                ping.written = position >= ping.position;
            }
        }
    }

    /// Notes that bytes arrived: the server lives, whether it was the PINGRESP or the middle of a large message.
    pub fn received(&mut self, now: Instant) {
        self.last_sign = now;
        self.written_when_heard = self.written;
        if let Some(ping) = self.pinged.take() {
            let round_trip = now.saturating_duration_since(ping.at);
            self.last_round_trip = Some(round_trip);
            self.measured(round_trip);
        }
    }

    /// Notes how many bytes the peer's TCP has still to acknowledge. If they have become fewer since the last time, and there
    /// were more than the ping itself, the peer lives.
    pub fn unacknowledged(&mut self, now: Instant, bytes: usize) {
        if let Some(ping) = &mut self.pinged {
            if let Some((before, asked)) = ping.unacknowledged {
                if bytes < before && before as u64 > FEW / 16 {
                    // It was acknowledged after the last look, and no later than now.
                    ping.at = ping.at.max(asked);
                    self.last_sign = self.last_sign.max(asked);
                    // What the server takes now tells it of the client as well as a ping would.
                    self.last_sent = self.last_sent.max(now);
                }
            }
            ping.unacknowledged = Some((bytes, now));
        }
    }

    /// Returns how long the answer to a ping is waited for.
    fn patience(&self) -> Duration {
        let fast = self
            .round_trip
            .is_some_and(|round_trip| round_trip * FAST <= self.interval);
        if fast && self.written.saturating_sub(self.written_when_heard) <= FEW {
            self.interval / 2
        } else {
            self.interval * 3 / 2
        }
    }

    fn dead_at(&self, ping: &Ping) -> Instant {
        if let Some(timeout) = self.timeout {
            return ping.at + timeout;
        }
        (ping.at + self.patience()).max(self.last_sign + self.interval * 3 / 2)
    }

    /// Returns when [`due`](Self::due) has to be asked again, after [`unacknowledged`](Self::unacknowledged) was told.
    pub fn deadline(&self) -> Option<Instant> {
        if self.interval.is_zero() {
            return None;
        }
        let Some(ping) = &self.pinged else {
            return Some(self.last_sent.min(self.last_sign) + self.interval);
        };
        let dead_at = self.dead_at(ping);
        let again = ping.again_at(self.last_sent, self.interval);
        Some(match ping.unacknowledged {
            Some((bytes, asked)) if bytes > 0 => {
                dead_at.min(again).min(asked + self.interval / LOOKS)
            }
            _ => dead_at.min(again),
        })
    }

    /// Returns what is due at `now`. After [`Due::Ping`] the ping counts as sent, its bytes ending at stream position
    /// `position`.
    pub fn due(&mut self, now: Instant, position: u64) -> Due {
        if self.interval.is_zero() {
            return Due::Nothing;
        }
        if let Some(ping) = &self.pinged {
            if now >= self.dead_at(ping) {
                return Due::Dead;
            }
            if now >= ping.again_at(self.last_sent, self.interval) {
                self.last_sent = now;
                return Due::Ping;
            }
        } else if now >= self.last_sent.min(self.last_sign) + self.interval {
            self.pinged = Some(Box::new(Ping {
                at: now,
                position,
                written: false,
                unacknowledged: None,
            }));
            self.last_sent = now;
            return Due::Ping;
        }
        Due::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    /// A connection whose CONNACK came at once.
    fn fast(t: Instant) -> KeepAlive {
        let mut k = KeepAlive::new(10 * S, t);
        k.measured(S / 1000);
        k
    }

    #[test]
    fn pings_after_an_interval_without_sending() {
        let t = Instant::now();
        let mut k = fast(t);
        k.received(t + 9 * S);
        assert_eq!(k.due(t + 9 * S, 100), Due::Nothing);
        assert_eq!(k.due(t + 10 * S, 100), Due::Ping);
    }

    #[test]
    fn pings_after_an_interval_without_receiving_although_it_sends() {
        let t = Instant::now();
        let mut k = fast(t);
        k.sent(t + 9 * S, 50);
        assert_eq!(k.due(t + 10 * S, 100), Due::Ping);
    }

    #[test]
    fn any_byte_answers_a_ping_and_silence_is_death() {
        let t = Instant::now();
        let mut k = fast(t);
        assert_eq!(k.due(t + 10 * S, 100), Due::Ping);
        k.received(t + 11 * S);
        assert_eq!(k.due(t + 15 * S, 100), Due::Nothing);
        assert_eq!(k.due(t + 20 * S, 100), Due::Ping);
        k.sent(t + 20 * S, 100);
        assert_eq!(k.due(t + 25 * S, 100), Due::Nothing);
        assert_eq!(k.deadline(), Some(t + 26 * S));
        assert_eq!(k.due(t + 26 * S, 100), Due::Dead);
    }

    #[test]
    fn a_fast_peer_is_dead_one_and_a_half_intervals_after_its_last_byte() {
        let t = Instant::now();
        let mut k = fast(t);
        assert_eq!(k.due(t + 10 * S, 2), Due::Ping);
        k.sent(t + 10 * S, 2);
        assert_eq!(k.deadline(), Some(t + 15 * S));
        assert_eq!(k.due(t + 15 * S, 2), Due::Dead);
    }

    #[test]
    fn a_slow_round_trip_is_waited_for() {
        let t = Instant::now();
        for connack in [Some(6 * S), None] {
            let mut k = KeepAlive::new(10 * S, t);
            if let Some(round_trip) = connack {
                k.measured(round_trip);
            }
            assert_eq!(k.due(t + 10 * S, 2), Due::Ping);
            k.sent(t + 10 * S, 2);
            assert_eq!(k.due(t + 16 * S, 2), Due::Nothing);
            assert_eq!(k.deadline(), Some(t + 20 * S));
            assert_eq!(k.due(t + 20 * S, 4), Due::Ping);
            assert_eq!(k.deadline(), Some(t + 25 * S));
            assert_eq!(k.due(t + 25 * S, 2), Due::Dead);
        }
    }

    #[test]
    fn a_ping_that_took_long_makes_the_next_one_patient() {
        let t = Instant::now();
        let mut k = fast(t);
        assert_eq!(k.due(t + 10 * S, 2), Due::Ping);
        k.received(t + 14 * S);
        k.sent(t + 14 * S, 2);
        assert_eq!(k.due(t + 24 * S, 4), Due::Ping);
        assert_eq!(k.due(t + 30 * S, 4), Due::Nothing);
        assert_eq!(k.due(t + 39 * S, 4), Due::Dead);
    }

    #[test]
    fn a_ping_behind_a_large_message_is_not_late_while_bytes_move() {
        let t = Instant::now();
        let mut k = fast(t);
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
    fn an_answer_may_wait_behind_what_the_socket_has_taken() {
        let t = Instant::now();
        let mut k = fast(t);
        k.sent(t + S, 400_000);
        assert_eq!(k.due(t + 10 * S, 400_002), Due::Ping);
        k.sent(t + 10 * S, 400_002);
        assert_eq!(k.due(t + 16 * S, 400_002), Due::Nothing);
        assert_eq!(k.due(t + 25 * S, 400_002), Due::Dead);
    }

    #[test]
    fn what_the_peers_tcp_acknowledges_before_the_ping_is_a_sign_of_life() {
        let t = Instant::now();
        let mut k = fast(t);
        k.sent(t + S, 4_000_000);
        assert_eq!(k.due(t + 10 * S, 4_000_002), Due::Ping);
        k.sent(t + 10 * S, 4_000_002);
        // Looked at eight times an interval, it shrinks for a minute.
        let mut left = 3_000_000;
        let mut now = t + 10 * S;
        k.unacknowledged(now, left);
        while left > 0 {
            assert_eq!(k.deadline(), Some(now + 10 * S / LOOKS));
            now += 10 * S / LOOKS;
            left = left.saturating_sub(60_000);
            k.unacknowledged(now, left);
            assert_eq!(k.due(now, 4_000_002), Due::Nothing);
        }
        assert!(now > t + 60 * S);
        // Then nothing moves.
        let dead_at = now + (15 * S).saturating_sub(10 * S / LOOKS);
        assert_eq!(k.due(now + 10 * S, 4_000_004), Due::Ping);
        assert_eq!(k.deadline(), Some(dead_at));
        assert_eq!(k.due(dead_at, 4_000_002), Due::Dead);
    }

    #[test]
    fn a_queue_that_does_not_shrink_and_the_acknowledgement_of_a_ping_are_no_signs_of_life() {
        let t = Instant::now();
        for (first, then) in [(3_000_000, 3_000_000), (2, 0)] {
            let mut k = fast(t);
            assert_eq!(k.due(t + 10 * S, 2), Due::Ping);
            k.sent(t + 10 * S, 2);
            k.unacknowledged(t + 10 * S, first);
            k.unacknowledged(t + 12 * S, then);
            k.unacknowledged(t + 15 * S, then);
            assert_eq!(k.due(t + 15 * S, 2), Due::Dead);
        }
    }

    #[test]
    fn zero_turns_it_off() {
        let t = Instant::now();
        let mut k = KeepAlive::new(Duration::ZERO, t);
        assert_eq!(k.deadline(), None);
        assert_eq!(k.due(t + 1_000_000 * S, 0), Due::Nothing);
    }

    #[test]
    fn an_answer_that_is_noticed_late_delays_no_ping() {
        let t = Instant::now();
        let mut k = KeepAlive::new(10 * S, t);
        assert_eq!(k.due(t + 10 * S, 2), Due::Ping);
        k.sent(t + 10 * S, 2);
        assert_eq!(k.deadline(), Some(t + 20 * S));
        // Nobody has read the answer, but it is there.
        k.received(t + 20 * S);
        assert_eq!(k.due(t + 20 * S, 4), Due::Ping);
    }

    #[test]
    fn on_a_slow_line_a_ping_follows_in_each_interval_until_the_peer_is_dead() {
        let t = Instant::now();
        let mut k = KeepAlive::new(10 * S, t);
        assert_eq!(k.due(t + 10 * S, 2), Due::Ping);
        k.sent(t + 10 * S, 2);
        assert_eq!(k.due(t + 20 * S, 4), Due::Ping);
        k.sent(t + 20 * S, 4);
        assert_eq!(k.deadline(), Some(t + 25 * S));
        assert_eq!(k.due(t + 25 * S, 6), Due::Dead);
    }
}
