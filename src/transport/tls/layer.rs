//! An established TLS connection.

use std::ffi::c_int;
use std::io::{self, IoSlice};
use std::time::Instant;

use foreign_types::ForeignTypeRef;
use openssl::ssl::{ErrorCode, SslRef, SslStream};
use zeroize::Zeroize;

use super::super::layer::{Emptiness, Input, Layer, Want, Wants};
use super::Failure;
use super::intake::{Intake, Stop};

/// Most bytes in one TLS record.
const RECORD: usize = 16 * 1024;

/// Most records that one read decodes. Beside the size of its buffer this bounds a read of tiny records.
const MAX_RECORDS: u32 = 512;

/// What a handshake message costs of [`MAX_RECORDS`]: deriving the keys of a session ticket takes OpenSSL some ten times
/// as long as decoding a small record.
const MESSAGE_COST: u32 = 8;

/// Most bytes that one read takes from the socket.
const MAX_INPUT: usize = 128 * 1024;

/// What [`Emptiness`] calls handshake messages and empty records.
const EMPTY_RECORDS: &str =
    "TLS messages without data (session tickets, hello requests, key updates)";

/// `SSL_R_UNEXPECTED_EOF_WHILE_READING`: the peer went without `close_notify`. MQTT knows its own ends of messages, so
/// nothing can be cut off unnoticed, and to MQTT it is a lost connection either way.
const UNEXPECTED_EOF: i32 = 294;

/// `SSL_KEY_UPDATE_NONE`.
const NO_KEY_UPDATE: c_int = -1;

#[expect(unsafe_code, reason = "the openssl crate does not tell")]
mod ffi {
    unsafe extern "C" {
        pub(super) fn SSL_get_key_update_type(ssl: *const openssl_sys::SSL) -> std::ffi::c_int;
    }
}

/// Returns true if the server has asked for a key update and has not got it.
fn owes_key_update(ssl: &SslRef) -> bool {
    #[expect(unsafe_code, reason = "as above")]
    // SAFETY: the function reads a member of the connection, which lives as long as it is borrowed.
    let kind = unsafe { ffi::SSL_get_key_update_type(ssl.as_ptr()) };
    kind != NO_KEY_UPDATE
}

/// TLS over a socket.
///
/// Only reading drives a handshake that the server begins later (a renegotiation of TLS 1.2, a key update of 1.3): a write
/// that would have to go on with one waits for the read instead. So each direction waits for one thing at a time.
pub(in super::super) struct TlsLayer {
    stream: SslStream<Intake>,
    /// OpenSSL's lines of the last error, until somebody takes them.
    details: Vec<String>,
    /// Taken from the caller, and either not handed to OpenSSL yet, or handed over without success: then OpenSSL wants
    /// the same bytes again. At most one record; the rest of the caller's bytes go through uncopied.
    staged: Vec<u8>,
    /// Decoded by a flush that went on with a read, for the next read.
    stash: Vec<u8>,
    /// What the next read has to report before all else.
    failed: Option<io::Error>,
    /// A read has been made that ended for another reason than that nothing was there.
    more: bool,
    /// The last read could not go on because what it had to answer found no room.
    read_wants_room: bool,
    /// What the last write could not go on for.
    write_wants: Want,
    /// OpenSSL has a part of a record that the socket did not take.
    half_written: bool,
    emptiness: Emptiness,
    /// The first record has gone out, and what was staged for it has been wiped: it is CONNECT, with a password in it. What
    /// follows is not worth the time.
    wiped: bool,
}

/// Progress, or a reason why there is none.
enum Step {
    Done(usize),
    /// A message of TLS's own has been handled.
    Message,
    /// Nothing more is there.
    Empty,
    /// The budget for input is spent.
    Spent,
    /// The socket is full.
    Full,
    Closed,
}

impl TlsLayer {
    pub(super) fn new(stream: SslStream<Intake>) -> Self {
        Self {
            stream,
            details: Vec::new(),
            staged: Vec::new(),
            stash: Vec::new(),
            failed: None,
            // The server's first bytes may have come with the end of the handshake.
            more: true,
            read_wants_room: false,
            write_wants: Want::Nothing,
            half_written: false,
            emptiness: Emptiness::default(),
            wiped: false,
        }
    }

    /// Makes sense of what a call of OpenSSL's returned.
    fn step(&mut self, result: Result<usize, openssl::ssl::Error>) -> io::Result<Step> {
        let stop = self.stream.get_mut().take_stop();
        let error = match result {
            Ok(n) => return Ok(Step::Done(n)),
            Err(error) => error,
        };
        match error.code() {
            ErrorCode::WANT_READ => {
                return Ok(match stop {
                    Some(Stop::Empty) => Step::Empty,
                    Some(Stop::Spent) => Step::Spent,
                    None => Step::Message,
                });
            }
            ErrorCode::WANT_WRITE => return Ok(Step::Full),
            ErrorCode::ZERO_RETURN => return Ok(Step::Closed),
            _ => {}
        }
        if let Some(errors) = error.ssl_error() {
            if errors
                .errors()
                .iter()
                .any(|e| e.reason_code() == UNEXPECTED_EOF)
            {
                return Ok(Step::Closed);
            }
            let failure = Failure::from_stack("TLS", errors);
            if !failure.lines.is_empty() {
                self.details = failure.lines;
            }
            return Err(io::Error::other(failure.message));
        }
        // Without a reason it is the end of the stream.
        error.into_io_error().map_or(Ok(Step::Closed), Err)
    }

    /// Returns true if a read has to wait for the end of a write. While a record is half written, OpenSSL puts off its answer to
    /// a key update. At any further message of TLS's own it would try to send the answer then and there, and give the connection
    /// up ("bad length"). A server may send such a message at any time.
    fn must_write_first(&self) -> bool {
        self.half_written && owes_key_update(self.stream.ssl())
    }

    /// Reads one record.
    fn receive(&mut self, buf: &mut [u8]) -> io::Result<Step> {
        if self.must_write_first() {
            self.read_wants_room = true;
            return Ok(Step::Full);
        }
        let given = self.stream.get_ref().given();
        let result = self.stream.ssl_read(buf);
        let step = self.step(result)?;
        let bytes = self.stream.get_ref().given() - given;
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        match step {
            Step::Done(_) => self.emptiness.end(),
            Step::Message => self.emptiness.add(bytes, EMPTY_RECORDS, Instant::now())?,
            // Part of a record, or messages that OpenSSL passes over during a handshake.
            _ if bytes > 0 => self
                .emptiness
                .add_bytes(bytes, EMPTY_RECORDS, Instant::now())?,
            _ => {}
        }
        self.read_wants_room = matches!(step, Step::Full);
        Ok(step)
    }

    /// Goes on with a read that waited for room, or with a handshake. What it brings waits for the next read.
    fn resume_read(&mut self) {
        if !self.stash.is_empty() || self.failed.is_some() {
            // That next read goes on.
            return;
        }
        let mut record = vec![0; RECORD];
        self.stream.get_mut().grant(RECORD);
        match self.receive(&mut record) {
            Ok(Step::Done(n)) => {
                record.truncate(n);
                self.stash = record;
                self.more = true;
            }
            // The next read finds it again.
            Ok(Step::Message | Step::Spent | Step::Empty | Step::Closed) => self.more = true,
            Ok(Step::Full) => {}
            Err(e) => {
                self.failed = Some(e);
                self.more = true;
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        // A write would go on with the handshake, and fail at data that the server sent before it answered.
        if !self.stream.ssl().is_init_finished() {
            self.write_wants = if self.read_wants_room {
                Want::Writable
            } else {
                Want::Readable
            };
            return Ok(None);
        }
        self.stream.get_mut().grant(0);
        let result = self.stream.ssl_write(bytes);
        let step = self.step(result)?;
        self.half_written = matches!(step, Step::Full) && self.stream.ssl().is_init_finished();
        self.write_wants = match step {
            Step::Done(n) => {
                self.write_wants = Want::Nothing;
                return Ok(Some(n));
            }
            Step::Closed => return Err(io::ErrorKind::BrokenPipe.into()),
            Step::Full => Want::Writable,
            Step::Message | Step::Empty | Step::Spent => {
                // The answer may have come already: a read tells.
                self.more = true;
                Want::Readable
            }
        };
        Ok(None)
    }

    /// Sends what is staged; false if that is not possible now.
    fn push(&mut self) -> io::Result<bool> {
        if self.read_wants_room || !self.stream.ssl().is_init_finished() {
            self.resume_read();
        }
        while !self.staged.is_empty() {
            let staged = std::mem::take(&mut self.staged);
            let result = self.send(&staged);
            self.staged = staged;
            match result? {
                Some(n) => drop(self.staged.drain(..n)),
                None => return Ok(false),
            }
        }
        if !self.wiped && self.staged.capacity() > 0 {
            // Also the bytes beyond its length, which is 0 by now.
            self.staged.zeroize();
            self.staged = Vec::new();
            self.wiped = true;
        }
        self.write_wants = Want::Nothing;
        if self.read_wants_room {
            // The read may have waited for nothing but this.
            self.resume_read();
        }
        Ok(!self.read_wants_room)
    }

    /// Fills `buf` from `filled` on; says whether it ended because nothing more is there.
    fn read_records(&mut self, buf: &mut [u8], filled: &mut usize) -> io::Result<bool> {
        let mut records = MAX_RECORDS;
        self.stream.get_mut().grant(MAX_INPUT);
        while *filled < buf.len() && records > 0 {
            match self.receive(&mut buf[*filled..])? {
                Step::Done(n) => {
                    *filled += n;
                    records -= 1;
                }
                Step::Message => records = records.saturating_sub(MESSAGE_COST),
                // With a full socket the flush that is due when there is room goes on with it.
                Step::Empty | Step::Full => return Ok(true),
                Step::Spent => break,
                Step::Closed => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        Ok(false)
    }
}

impl Drop for TlsLayer {
    fn drop(&mut self) {
        if !self.wiped {
            self.staged.zeroize();
        }
    }
}

impl Layer for TlsLayer {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<Input> {
        self.more = false;
        if let Some(e) = self.failed.take() {
            return Err(e);
        }
        if !self.stash.is_empty() {
            let n = buf.len().min(self.stash.len());
            buf[..n].copy_from_slice(&self.stash[..n]);
            self.stash.drain(..n);
            if self.stash.is_empty() {
                self.stash = Vec::new();
            }
            self.more = true;
            return Ok(Input::Bytes(n));
        }
        let mut filled = 0;
        let result = self.read_records(buf, &mut filled);
        if self.write_wants == Want::Readable && self.stream.ssl().is_init_finished() {
            // What the write waited for may have been among it.
            self.write_wants = Want::Call;
        }
        match result {
            Ok(true) if filled == 0 => Err(io::ErrorKind::WouldBlock.into()),
            Ok(true) => Ok(Input::Bytes(filled)),
            Ok(false) => {
                self.more = true;
                Ok(if filled == 0 {
                    Input::Again
                } else {
                    Input::Bytes(filled)
                })
            }
            Err(e) if filled > 0 => {
                self.more = true;
                // The end OpenSSL remembers, and tells again.
                self.failed = (e.kind() != io::ErrorKind::UnexpectedEof).then_some(e);
                Ok(Input::Bytes(filled))
            }
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(Input::End),
            Err(e) => Err(e),
        }
    }

    fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        if !self.push()? && !self.staged.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut taken = 0;
        for buf in bufs {
            let mut rest = &buf[..];
            // Small pieces, such as a packet's header, share a record with what follows.
            if !self.staged.is_empty() || rest.len() < RECORD {
                let n = rest.len().min(RECORD - self.staged.len());
                if !self.wiped {
                    // A buffer that grows leaves its bytes behind.
                    self.staged.reserve_exact(RECORD);
                }
                self.staged.extend_from_slice(&rest[..n]);
                taken += n;
                rest = &rest[n..];
                if self.staged.len() == RECORD {
                    // Taken is taken. An error comes again with the next call.
                    let _ = self.push();
                    if !self.staged.is_empty() {
                        return Ok(taken);
                    }
                }
            }
            while rest.len() >= RECORD {
                let record = &rest[..RECORD];
                match self.send(record) {
                    Ok(Some(n)) => {
                        taken += n;
                        rest = &rest[n..];
                    }
                    Ok(None) => {
                        self.staged.extend_from_slice(record);
                        return Ok(taken + RECORD);
                    }
                    Err(e) if taken == 0 => return Err(e),
                    Err(_) => return Ok(taken),
                }
            }
            self.staged.extend_from_slice(rest);
            taken += rest.len();
        }
        // What the socket has no room for stays staged.
        match self.push() {
            Err(e) if taken == 0 => Err(e),
            _ => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.push()? {
            Ok(())
        } else {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }

    fn shutdown(&mut self) {
        let _ = self.push();
        // Sends close_notify, if there is room for it, and neither waits for the server's nor looks for it.
        self.stream.get_mut().grant(0);
        let _ = self.stream.shutdown();
        self.stream.get_mut().take_stop();
    }

    fn wants(&self) -> Wants {
        Wants {
            read: if self.more {
                Want::Call
            } else if self.read_wants_room {
                Want::Writable
            } else {
                Want::Readable
            },
            write: match self.write_wants {
                // A flush goes on with the read.
                Want::Nothing if self.read_wants_room || !self.staged.is_empty() => Want::Writable,
                want => want,
            },
        }
    }

    fn take_details(&mut self) -> Vec<String> {
        std::mem::take(&mut self.details)
    }
}
