//! A connection without a socket: the program carries the bytes itself, over whatever it has.
//!
//! Two ends share a pipe in each direction. The engine has a [`Link`](super::Link) and uses it as any other; the owner
//! has a [`ByteStream`], feeds what the peer sent and takes what the peer is to be sent. Each direction has a bound, so
//! that back-pressure passes through: an owner that does not take stops the engine from writing, an engine that does
//! not read stops the owner from feeding.
//!
//! The owner never waits: its [`Waker`] is called, without a lock, when something has become possible. The engine reads and
//! writes inside the owner's calls; a task that establishes a connection waits for the owner, and so does a thread inside a call.

use std::fmt;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use crate::os::lock::{Condvar, Mutex};
use tokio::io::Interest;
use tokio::sync::Notify;
use zeroize::Zeroize;

use super::layer::{Input, Layer, Wants};

/// Bytes that wait in one direction, unless the owner sets another bound.
pub const DEFAULT_CAPACITY: usize = 256 * 1024;

/// A buffer that is empty keeps no more memory than this.
const KEPT: usize = 16 * 1024;

/// What has become possible at one end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// There are bytes where there were none, or the stream has ended.
    pub readable: bool,
    /// There is room again, after a write or a feed was cut short.
    pub writable: bool,
}

impl Wake {
    fn is_any(self) -> bool {
        self.readable || self.writable
    }
}

/// Called when something has become possible for the owner. It runs inside the engine's call, with no lock held by the stream,
/// on whatever thread makes that call. It must return soon and must not call the stream: it hands the news to whoever acts
/// on it (an event descriptor, a queue).
pub type Waker = Arc<dyn Fn(Wake) + Send + Sync>;

/// One direction.
#[derive(Default)]
struct Pipe {
    bytes: Vec<u8>,
    /// Of `bytes`, so many have been taken out.
    taken: usize,
    /// Nothing more will be put in.
    ended: bool,
    /// Somebody wanted to put more in than there was room for.
    short: bool,
    /// The first bytes, CONNECT with a password in it, have been taken out and wiped. What follows is not worth the time.
    wiped: bool,
}

impl Drop for Pipe {
    fn drop(&mut self) {
        if !self.wiped {
            self.bytes.zeroize();
        }
    }
}

impl Pipe {
    fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    /// Puts in what fits. Returns how much that is, and whether the pipe was empty.
    fn put(&mut self, bufs: &[IoSlice<'_>], capacity: usize) -> (usize, bool) {
        let was_empty = self.len() == 0;
        let mut room = capacity.saturating_sub(self.len());
        let mut put = 0;
        for buf in bufs {
            let n = buf.len().min(room);
            // Moved up only when that is half of them at most, so that each byte is moved once on the average.
            if self.taken > self.len() && self.bytes.capacity() - self.bytes.len() < n {
                self.bytes.drain(..std::mem::take(&mut self.taken));
            }
            if !self.wiped {
                self.grow(n);
            }
            self.bytes.extend_from_slice(&buf[..n]);
            room -= n;
            put += n;
            if n < buf.len() {
                self.short = true;
                break;
            }
        }
        (put, was_empty && put > 0)
    }

    /// Makes room for `n` more bytes. Memory that is too small is wiped.
    fn grow(&mut self, n: usize) {
        if self.bytes.capacity() - self.bytes.len() >= n {
            return;
        }
        let mut larger = Vec::with_capacity((self.bytes.len() + n).max(2 * self.bytes.capacity()));
        larger.extend_from_slice(&self.bytes);
        self.bytes.zeroize();
        self.bytes = larger;
    }

    /// Takes out what fits. Returns how much that is, and whether somebody waits for the room.
    fn take(&mut self, buf: &mut [u8], capacity: usize) -> (usize, bool) {
        let n = buf.len().min(self.len());
        buf[..n].copy_from_slice(&self.bytes[self.taken..self.taken + n]);
        self.advance(n, capacity)
    }

    /// Takes `n` bytes out that somebody has seen.
    fn advance(&mut self, n: usize, capacity: usize) -> (usize, bool) {
        self.taken += n;
        if self.taken == self.bytes.len() {
            self.taken = 0;
            if !self.wiped && n > 0 {
                self.bytes.zeroize();
                self.wiped = true;
            }
            self.bytes.clear();
            if self.bytes.capacity() > KEPT {
                self.bytes = Vec::new();
            }
        }
        // Not for each byte: a wake-up costs more than a byte does.
        let room = self.short && n > 0 && self.len() <= capacity / 2;
        if room {
            self.short = false;
        }
        (n, room)
    }
}

#[derive(Default)]
struct State {
    /// From the peer.
    input: Pipe,
    /// To the peer.
    output: Pipe,
    /// The engine has closed its end, or the owner is gone.
    closed: bool,
}

/// What both ends share.
pub(super) struct Shared {
    state: Mutex<State>,
    capacity: usize,
    owner: Waker,
    /// For a thread of the engine's that waits inside a call.
    changed: Condvar,
    /// For tasks that connect.
    readable: Notify,
    writable: Notify,
}

impl Shared {
    /// Tells the engine's side.
    fn wake_engine(&self, wake: Wake) {
        if !wake.is_any() {
            return;
        }
        self.changed.notify_all();
        if wake.readable {
            self.readable.notify_one();
        }
        if wake.writable {
            self.writable.notify_one();
        }
    }

    fn wake_owner(&self, wake: Wake) {
        if wake.is_any() {
            (self.owner)(wake);
        }
    }

    /// Waits until trying again makes sense, for a task that connects.
    pub(super) async fn wait(&self, interest: Interest) {
        if interest.is_readable() {
            self.readable.notified().await;
        } else {
            self.writable.notified().await;
        }
    }

    /// Waits inside a call, `timeout` at most, until something can be read or, with `room`, written.
    pub(super) fn poll(&self, room: bool, timeout: Option<Duration>) -> Wake {
        let mut state = self.state.lock();
        let deadline = timeout.and_then(|timeout| std::time::Instant::now().checked_add(timeout));
        loop {
            let now = state.wake_of_now(self.capacity);
            if now.readable || (room && now.writable) {
                return now;
            }
            match deadline {
                Some(at) if self.changed.wait_until(&mut state, at).timed_out() => {
                    return Wake::default();
                }
                Some(_) => {}
                None => self.changed.wait(&mut state),
            }
        }
    }

    /// Returns true if bytes wait that the engine has not read.
    pub(super) fn has_input(&self) -> bool {
        self.state.lock().input.len() > 0
    }

    pub(super) fn read(&self, buf: &mut [u8]) -> io::Result<Input> {
        let (read, room) = {
            let mut state = self.state.lock();
            if state.closed || (state.input.len() == 0 && state.input.ended) {
                return Ok(Input::End);
            }
            if state.input.len() == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            state.input.take(buf, self.capacity)
        };
        self.wake_owner(Wake {
            readable: false,
            writable: room,
        });
        Ok(Input::Bytes(read))
    }

    pub(super) fn write(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let (put, first) = {
            let mut state = self.state.lock();
            if state.closed || state.output.ended {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            state.output.put(bufs, self.capacity)
        };
        self.wake_owner(Wake {
            readable: first,
            writable: false,
        });
        if put == 0 && bufs.iter().any(|buf| !buf.is_empty()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(put)
    }

    /// Ends the direction to the peer and, with `both`, the other one too.
    pub(super) fn end(&self, both: bool) {
        {
            let mut state = self.state.lock();
            state.output.ended = true;
            state.closed |= both;
        }
        self.wake_owner(Wake {
            readable: true,
            writable: both,
        });
        if both {
            // Also a thread that is waiting finds the end.
            self.wake_engine(Wake {
                readable: true,
                writable: true,
            });
        }
    }
}

impl State {
    /// Returns what the engine's side can do now.
    fn wake_of_now(&self, capacity: usize) -> Wake {
        Wake {
            readable: self.input.len() > 0 || self.input.ended || self.closed,
            writable: self.output.len() < capacity || self.closed,
        }
    }
}

/// The engine's end, as the bottom of a stack of layers.
#[derive(Clone)]
pub struct Stream(pub(super) Arc<Shared>);

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

impl Layer for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<Input> {
        self.0.read(buf)
    }

    fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&mut self) {}

    fn wants(&self) -> Wants {
        Wants::OF_SOCKET
    }
}

/// The owner's end of a byte stream. Dropping it ends both directions.
pub struct ByteStream(Arc<Shared>);

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByteStream")
    }
}

/// Makes the two ends.
pub(super) fn pair(capacity: usize, owner: Waker) -> (Stream, ByteStream) {
    let shared = Arc::new(Shared {
        state: Mutex::default(),
        capacity: capacity.max(1),
        owner,
        changed: Condvar::new(),
        readable: Notify::new(),
        writable: Notify::new(),
    });
    (Stream(Arc::clone(&shared)), ByteStream(shared))
}

impl ByteStream {
    /// Gives the engine bytes that the peer sent. Returns how many it took: fewer than all when it has not read what is
    /// there, 0 also when it has closed the connection. The owner's waker says `writable` when there is room again.
    pub fn feed(&self, bytes: &[u8]) -> usize {
        let (put, first) = {
            let mut state = self.0.state.lock();
            if state.closed || state.input.ended {
                return 0;
            }
            state.input.put(&[IoSlice::new(bytes)], self.0.capacity)
        };
        self.0.wake_engine(Wake {
            readable: first,
            writable: false,
        });
        put
    }

    /// Tells the engine that the peer has ended the connection. What was fed before is still read.
    pub fn feed_end(&self) {
        self.0.state.lock().input.ended = true;
        self.0.wake_engine(Wake {
            readable: true,
            writable: false,
        });
    }

    /// Takes bytes for the peer out. Returns how many: 0 when there are none, and then [`is_ended`](Self::is_ended)
    /// says whether more can come. The owner's waker says `readable` when there are some again.
    pub fn take(&self, buf: &mut [u8]) -> usize {
        let (taken, room) = self.0.state.lock().output.take(buf, self.0.capacity);
        self.0.wake_engine(Wake {
            readable: false,
            writable: room,
        });
        taken
    }

    /// Shows the bytes for the peer to `carry`, which returns how many of them it has disposed of: for an owner that
    /// can send from where they are. `carry` runs under the stream's lock and must neither wait nor call the stream.
    pub fn take_with(&self, carry: impl FnOnce(&[u8]) -> usize) -> usize {
        let (taken, room) = {
            let mut state = self.0.state.lock();
            let output = &mut state.output;
            let taken = carry(&output.bytes[output.taken..]).min(output.len());
            output.advance(taken, self.0.capacity)
        };
        self.0.wake_engine(Wake {
            readable: false,
            writable: room,
        });
        taken
    }

    /// Returns how many bytes wait to be taken.
    pub fn pending(&self) -> usize {
        self.0.state.lock().output.len()
    }

    /// Returns how many bytes [`feed`](Self::feed) would take now.
    pub fn room(&self) -> usize {
        let state = self.0.state.lock();
        if state.closed || state.input.ended {
            return 0;
        }
        self.0.capacity.saturating_sub(state.input.len())
    }

    /// Returns true if the engine has ended its side and all of its bytes have been taken: the owner closes whatever
    /// carries them.
    pub fn is_ended(&self) -> bool {
        let state = self.0.state.lock();
        state.output.ended && state.output.len() == 0
    }
}

impl Drop for ByteStream {
    fn drop(&mut self) {
        {
            let mut state = self.0.state.lock();
            state.input.ended = true;
            state.output.ended = true;
        }
        self.0.wake_engine(Wake {
            readable: true,
            writable: true,
        });
    }
}
