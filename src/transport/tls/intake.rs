//! The socket under TLS, read ahead: OpenSSL is given what it asks for and no more.
//!
//! OpenSSL asks for a record's header, then for its body. Given exactly that, it holds nothing back between two calls,
//! and each call ends after one record, or one handshake message in it: so the layer above can count what the server
//! sends, and stop. (With OpenSSL's own read-ahead a call goes on for as long as the socket brings handshake messages.)

use std::io::{self, IoSlice, Read, Write};

use super::super::socket::Socket;

/// Bytes read ahead in one system call: that is two full records and their headers.
const AHEAD: usize = 33 * 1024;

/// Requests of this size go past the buffer: the rest of a large record.
const DIRECT: usize = 4 * 1024;

/// A socket for OpenSSL.
#[derive(Debug)]
pub(super) struct Intake {
    socket: Socket,
    /// Read ahead and not asked for yet: `buffer[taken..]`. Gives its memory back whenever it is empty.
    buffer: Vec<u8>,
    taken: usize,
    /// How much more may be read from the socket until the next [`grant`](Self::grant).
    budget: usize,
    /// Why the last request found nothing.
    stop: Option<Stop>,
    /// Bytes that OpenSSL has been given, for whoever wants to know how large a record was.
    given: u64,
}

/// Why a request found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The socket has nothing.
    Empty,
    /// The budget is spent.
    Spent,
}

impl Intake {
    pub(super) fn new(socket: Socket) -> Self {
        Self {
            socket,
            buffer: Vec::new(),
            taken: 0,
            budget: 0,
            stop: None,
            given: 0,
        }
    }

    /// Allows `bytes` to be read from the socket from here on.
    pub(super) fn grant(&mut self, bytes: usize) {
        self.budget = bytes;
    }

    /// Returns why the last call of OpenSSL's got no bytes, if it asked in vain, and forgets it.
    pub(super) fn take_stop(&mut self) -> Option<Stop> {
        self.stop.take()
    }

    /// Returns true if bytes have been read from the socket that OpenSSL has not asked for.
    pub(super) fn has_ahead(&self) -> bool {
        self.taken < self.buffer.len()
    }

    /// Returns how many bytes OpenSSL has been given in all.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    fn stopped(&mut self, stop: Stop) -> io::Error {
        self.stop = Some(stop);
        io::ErrorKind::WouldBlock.into()
    }
}

impl Read for Intake {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if !self.has_ahead() {
            if self.budget == 0 {
                return Err(self.stopped(Stop::Spent));
            }
            let result = if buf.len() >= DIRECT {
                self.socket.recv(buf)
            } else {
                self.buffer.reserve_exact(AHEAD);
                self.socket.recv_into(&mut self.buffer)
            };
            let read = match result {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.buffer = Vec::new();
                    return Err(self.stopped(Stop::Empty));
                }
                result => result?,
            };
            self.budget = self.budget.saturating_sub(read);
            if read == 0 || buf.len() >= DIRECT {
                self.given += read as u64;
                return Ok(read);
            }
        }
        let ahead = &self.buffer[self.taken..];
        let n = buf.len().min(ahead.len());
        buf[..n].copy_from_slice(&ahead[..n]);
        self.given += n as u64;
        self.taken += n;
        if !self.has_ahead() {
            self.taken = 0;
            self.buffer.clear();
        }
        Ok(n)
    }
}

impl Write for Intake {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.socket.send(&[IoSlice::new(buf)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
