//! Operations that end when the stream has been written up to them: publishes without acknowledgement. No I/O, clock or lock.
//!
//! A fast program has thousands of them under way, which end while it waits for the client's mutex. So those whose ends can be told
//! together are kept together from the beginning: of each there is its place in the stream, and nothing else.

use std::collections::VecDeque;

use crate::protocol::session::{Completion, Token};

use super::delivery::queue::{is_worth_keeping, release};

/// Has the end of operations tell of the next one's too. Returns false if that is not possible.
pub type Join<O> = fn(&mut Completion<O>, &Completion<O>) -> bool;
/// Takes the first so many operations off those that an end tells of; fewer than all of them.
pub type Split<O> = fn(&mut Completion<O>, u64) -> Option<Completion<O>>;

/// Operations that follow each other, as one.
struct Run<O> {
    done: Completion<O>,
    count: u64,
}

impl<O> Run<O> {
    fn has(&self, token: Token) -> bool {
        let at = i64::from(token) - i64::from(self.done.token);
        u64::try_from(at).is_ok_and(|at| at < self.count)
    }

    fn tokens(&self) -> impl Iterator<Item = Token> + '_ {
        (self.done.token..).take(usize::try_from(self.count).unwrap_or(usize::MAX))
    }

    /// Takes the first `count` off. Returns none if that is all of them.
    fn split(&mut self, count: u64, split: Split<O>) -> Option<Completion<O>> {
        if count >= self.count {
            return None;
        }
        let mut first = split(&mut self.done, count)?;
        first.token = self.done.token;
        self.done.token += Token::try_from(count).unwrap_or(0);
        self.count -= count;
        Some(first)
    }
}

/// Those of one stream, in its order.
struct Stream<O> {
    runs: VecDeque<Run<O>>,
    /// Where each of them ends.
    ends: VecDeque<u64>,
}

impl<O> Default for Stream<O> {
    fn default() -> Self {
        Self {
            runs: VecDeque::new(),
            ends: VecDeque::new(),
        }
    }
}

impl<O> Stream<O> {
    fn push(&mut self, end: u64, done: Completion<O>, join: Join<O>) {
        self.ends.push_back(end);
        if let Some(last) = self.runs.back_mut() {
            let next = i64::from(last.done.token) + i64::try_from(last.count).unwrap_or(i64::MAX);
            if i64::from(done.token) == next
                && done.packet.is_none()
                && last.done.packet.is_none()
                && join(&mut last.done, &done)
            {
                last.count += 1;
                return;
            }
        }
        self.runs.push_back(Run { done, count: 1 });
    }

    /// Takes out the next ones that have ended when the stream has been written up to `position`.
    fn pop(&mut self, position: u64, split: Split<O>) -> Option<Completion<O>> {
        if *self.ends.front()? > position {
            return None;
        }
        let run = self.runs.front_mut()?;
        let written = if run.count == 1 {
            1
        } else {
            self.ends.partition_point(|end| *end <= position)
        };
        let count = run.count.min(written as u64);
        self.ends
            .drain(..usize::try_from(count).unwrap_or(usize::MAX));
        match run.split(count, split) {
            Some(first) => Some(first),
            None => self.runs.pop_front().map(|run| run.done),
        }
    }

    /// Takes the first one out, whether it was written or not.
    fn pop_one(&mut self, split: Split<O>) -> Option<Completion<O>> {
        self.ends.pop_front()?;
        match self.runs.front_mut()?.split(1, split) {
            Some(first) => Some(first),
            None => self.runs.pop_front().map(|run| run.done),
        }
    }
}

/// Those of a client: of its connection's stream, and of connections that are gone while a thread still writes to them, with
/// their epochs. Boxed, since most clients have none.
pub struct Unwritten<O>(Option<Box<All<O>>>);

struct All<O> {
    stream: Stream<O>,
    left: Vec<(u64, Stream<O>)>,
}

impl<O> Default for Unwritten<O> {
    fn default() -> Self {
        Self(None)
    }
}

impl<O> Unwritten<O> {
    /// Adds an operation that ends at `end` of the stream.
    pub fn push(&mut self, end: u64, done: Completion<O>, join: Join<O>) {
        let all = self.0.get_or_insert_with(|| {
            Box::new(All {
                stream: Stream::default(),
                left: Vec::new(),
            })
        });
        all.stream.push(end, done, join);
    }

    /// Takes out the next ones that have ended when the stream has been written up to `position`. Returns none when there are
    /// no more.
    pub fn pop(&mut self, position: u64, split: Split<O>) -> Option<Completion<O>> {
        self.0.as_mut()?.stream.pop(position, split)
    }

    /// Takes one out that was not written, of this stream.
    pub fn pop_one(&mut self, split: Split<O>) -> Option<Completion<O>> {
        self.0.as_mut()?.stream.pop_one(split)
    }

    /// Leaves those of the stream to the thread that still writes to the connection of that epoch.
    pub fn leave(&mut self, epoch: u64) {
        if let Some(all) = &mut self.0 {
            if !all.stream.ends.is_empty() {
                all.left.push((epoch, std::mem::take(&mut all.stream)));
            }
        }
    }

    /// Takes out the next ones of that epoch's connection, which was written up to `position`; true: they were written.
    pub fn pop_left(
        &mut self,
        epoch: u64,
        position: u64,
        split: Split<O>,
    ) -> Option<(Completion<O>, bool)> {
        let all = self.0.as_mut()?;
        let at = all.left.iter().position(|(of, _)| *of == epoch)?;
        let stream = &mut all.left[at].1;
        if let Some(done) = stream.pop(position, split) {
            return Some((done, true));
        }
        let lost = stream.pop_one(split).map(|done| (done, false));
        if lost.is_none() {
            all.left.remove(at);
        }
        lost
    }

    /// Takes one out that was not written, of any stream.
    pub fn pop_any(&mut self, split: Split<O>) -> Option<Completion<O>> {
        if let Some(done) = self.pop_one(split) {
            return Some(done);
        }
        let all = self.0.as_mut()?;
        while let Some((_, stream)) = all.left.first_mut() {
            if let Some(done) = stream.pop_one(split) {
                return Some(done);
            }
            all.left.remove(0);
        }
        None
    }

    fn runs(&self) -> impl Iterator<Item = &Run<O>> {
        self.0.iter().flat_map(|all| {
            let left = all.left.iter().flat_map(|(_, stream)| &stream.runs);
            left.chain(&all.stream.runs)
        })
    }

    /// Returns true if that operation has not been written.
    pub fn has(&self, token: Token) -> bool {
        self.runs().any(|run| run.has(token))
    }

    /// Returns the tokens of this stream's operations.
    pub fn tokens(&self) -> impl Iterator<Item = Token> + '_ {
        self.0
            .iter()
            .flat_map(|all| all.stream.runs.iter().flat_map(Run::tokens))
    }

    /// Gives back the memory, where nothing is under way and nothing was that makes it worth keeping.
    pub fn settle_down(&mut self) {
        let Some(all) = &mut self.0 else {
            return;
        };
        release(&mut all.stream.ends);
        release(&mut all.stream.runs);
        let is_idle = all.stream.ends.is_empty() && all.left.is_empty();
        if is_idle && !is_worth_keeping(&all.stream.ends) {
            self.0 = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::session::Outcome;

    /// First number, and how many.
    type Op = (u64, u64);

    fn join(last: &mut Completion<Op>, next: &Completion<Op>) -> bool {
        let follows = last.op.0 + last.op.1 == next.op.0;
        last.op.1 += if follows { next.op.1 } else { 0 };
        follows
    }

    fn never(_: &mut Completion<Op>, _: &Completion<Op>) -> bool {
        false
    }

    #[allow(clippy::unnecessary_wraps)] // the type's
    fn split(done: &mut Completion<Op>, count: u64) -> Option<Completion<Op>> {
        let first = (done.op.0, count);
        done.op = (done.op.0 + count, done.op.1 - count);
        Some(completion(done.token, first))
    }

    fn completion(token: Token, op: Op) -> Completion<Op> {
        Completion {
            token,
            op,
            packet: None,
            outcome: Outcome::written(),
        }
    }

    /// Operations 1 to 5 with tokens of the same number, each 10 bytes long.
    fn five(join: Join<Op>) -> Unwritten<Op> {
        let mut unwritten = Unwritten::default();
        for number in 1..=5_i32 {
            let op = (u64::from(number.unsigned_abs()), 1);
            unwritten.push(op.0 * 10, completion(number, op), join);
        }
        unwritten
    }

    fn ended(unwritten: &mut Unwritten<Op>, position: u64) -> Vec<(Token, Op)> {
        let pop = || unwritten.pop(position, split);
        std::iter::from_fn(pop)
            .map(|done| (done.token, done.op))
            .collect()
    }

    fn rest(unwritten: &mut Unwritten<Op>) -> Vec<(Token, Op)> {
        let pop = || unwritten.pop_any(split);
        std::iter::from_fn(pop)
            .map(|done| (done.token, done.op))
            .collect()
    }

    #[test]
    fn what_was_written_ends_and_nothing_else_does_however_much_that_is() {
        for written in 0..=60 {
            let n = (written / 10).min(5);
            let mut joined = five(join);
            let expected: Vec<_> = (n > 0).then_some((1, (1, n))).into_iter().collect();
            assert_eq!(ended(&mut joined, written), expected, "{written}");
            let mut single = five(never);
            let tokens: Vec<_> = ended(&mut single, written)
                .iter()
                .map(|(token, op)| (*token, *op))
                .collect();
            let expected: Vec<_> = (1..=n)
                .map(|number| (Token::try_from(number).unwrap(), (number, 1)))
                .collect();
            assert_eq!(tokens, expected);
            // What is left is given up one by one, under its own token.
            let left: Vec<_> = (n + 1..=5)
                .map(|number| (Token::try_from(number).unwrap(), (number, 1)))
                .collect();
            for unwritten in [&mut joined, &mut single] {
                assert_eq!(
                    unwritten.tokens().collect::<Vec<_>>(),
                    left.iter().map(|(token, _)| *token).collect::<Vec<_>>()
                );
                assert!(
                    (1..=5)
                        .all(|token| unwritten.has(token) == (token > Token::try_from(n).unwrap()))
                );
                assert_eq!(rest(unwritten), left);
                assert!(!unwritten.has(5) && unwritten.tokens().next().is_none());
            }
        }
    }

    #[test]
    fn tokens_that_do_not_follow_each_other_are_kept_apart() {
        let mut unwritten = five(join);
        unwritten.push(60, completion(7, (6, 1)), join);
        unwritten.push(70, completion(8, (7, 1)), join);
        assert!(!unwritten.has(6) && unwritten.has(7) && unwritten.has(8));
        assert_eq!(ended(&mut unwritten, 65), [(1, (1, 5)), (7, (6, 1))]);
        assert_eq!(ended(&mut unwritten, 70), [(8, (7, 1))]);
    }

    #[test]
    fn a_thread_that_writes_to_a_connection_that_is_gone_tells_of_its_part() {
        let mut unwritten = five(join);
        unwritten.leave(1);
        unwritten.push(10, completion(6, (6, 1)), join);
        unwritten.leave(2);
        unwritten.push(20, completion(7, (7, 1)), join);
        assert!(unwritten.has(1) && unwritten.has(6));
        assert_eq!(ended(&mut unwritten, 15), []);
        let told: Vec<_> = std::iter::from_fn(|| unwritten.pop_left(1, 30, split))
            .map(|(done, written)| (done.op, written))
            .collect();
        let expected = [((1, 3), true), ((4, 1), false), ((5, 1), false)];
        assert_eq!(told, expected);
        assert!(unwritten.pop_left(1, 99, split).is_none());
        assert_eq!(rest(&mut unwritten), [(7, (7, 1)), (6, (6, 1))]);
        unwritten.settle_down();
        assert!(unwritten.0.is_none());
    }
    #[test]
    fn nothing_of_a_connection_that_is_gone_is_lost_or_kept_for_ever() {
        let mut unwritten = five(join);
        unwritten.leave(1);
        unwritten.settle_down();
        assert!(unwritten.has(1), "a thread has yet to tell of it");
        while unwritten.pop_left(1, 30, split).is_some() {}
        let left = unwritten.0.as_ref().map(|all| all.left.len());
        assert_eq!(left, Some(0));
        unwritten.settle_down();
        assert!(unwritten.0.is_none());
        // Where nothing was under way nothing is left behind.
        unwritten.push(10, completion(1, (1, 1)), join);
        assert_eq!(ended(&mut unwritten, 10).len(), 1);
        unwritten.leave(2);
        unwritten.settle_down();
        assert!(unwritten.0.is_none());
    }

    /// What the server has said of one of them is not another one's.
    #[test]
    fn operations_with_a_packet_are_told_one_by_one() {
        for (first, second) in [(true, false), (false, true)] {
            let mut unwritten = Unwritten::default();
            for (number, has_packet) in [(1, first), (2, second)] {
                let mut done = completion(number, (u64::from(number.unsigned_abs()), 1));
                done.packet = has_packet.then(|| bytes::Bytes::from_static(b"x"));
                unwritten.push(10, done, join);
            }
            assert_eq!(ended(&mut unwritten, 10), [(1, (1, 1)), (2, (2, 1))]);
        }
    }
}
