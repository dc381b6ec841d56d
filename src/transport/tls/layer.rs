//! An established TLS connection.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};

use openssl::ssl::{ErrorCode, SslStream};

use super::super::Layer;
use super::super::socket::Socket;
use super::Failure;

/// Most bytes in one TLS record.
const RECORD: usize = 16 * 1024;

/// `SSL_R_UNEXPECTED_EOF_WHILE_READING`: the peer went without `close_notify`. MQTT knows its own ends of messages, so
/// nothing can be cut off unnoticed, and to MQTT it is a lost connection either way.
const UNEXPECTED_EOF: i32 = 294;

/// TLS over a socket.
pub(in super::super) struct TlsLayer {
    stream: SslStream<Socket>,
    /// OpenSSL's lines of the last error, until somebody takes them.
    details: Vec<String>,
    /// Taken from the caller, and either not handed to OpenSSL yet, or handed over without success: then OpenSSL wants
    /// the same bytes again. At most one record; the rest of the caller's bytes go through uncopied.
    staged: Vec<u8>,
    /// The last read ended because its buffer was full.
    more: bool,
}

/// Progress, or a reason why there is none.
enum Step {
    Done(usize),
    Blocked,
    Closed,
}

impl TlsLayer {
    pub(super) fn new(stream: SslStream<Socket>) -> Self {
        Self {
            stream,
            details: Vec::new(),
            staged: Vec::new(),
            // The server's first bytes may have come with the end of the handshake.
            more: true,
        }
    }

    fn step(&mut self, result: Result<usize, openssl::ssl::Error>) -> io::Result<Step> {
        let error = match result {
            Ok(n) => return Ok(Step::Done(n)),
            Err(error) => error,
        };
        match error.code() {
            ErrorCode::WANT_READ | ErrorCode::WANT_WRITE => return Ok(Step::Blocked),
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

    fn send(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        let result = self.stream.ssl_write(bytes);
        match self.step(result)? {
            Step::Done(n) => Ok(Some(n)),
            Step::Blocked => Ok(None),
            Step::Closed => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Sends what is staged; false if the socket is full.
    fn push(&mut self) -> io::Result<bool> {
        while !self.staged.is_empty() {
            let staged = std::mem::take(&mut self.staged);
            let result = self.send(&staged);
            self.staged = staged;
            match result? {
                Some(n) => drop(self.staged.drain(..n)),
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

impl Layer for TlsLayer {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.more = false;
        let mut filled = 0;
        while filled < buf.len() {
            let result = self.stream.ssl_read(&mut buf[filled..]);
            match self.step(result) {
                Ok(Step::Done(n)) => filled += n,
                Ok(Step::Blocked) if filled == 0 => return Err(io::ErrorKind::WouldBlock.into()),
                Ok(Step::Blocked) => return Ok(filled),
                Ok(Step::Closed) if filled == 0 => return Ok(0),
                Err(e) if filled == 0 => return Err(e),
                // OpenSSL remembers, and tells again.
                Ok(Step::Closed) | Err(_) => break,
            }
        }
        self.more = true;
        Ok(filled)
    }

    fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        if !self.push()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut taken = 0;
        for buf in bufs {
            let mut rest = &buf[..];
            // Small pieces, such as a packet's header, share a record with what follows.
            if !self.staged.is_empty() || rest.len() < RECORD {
                let n = rest.len().min(RECORD - self.staged.len());
                self.staged.extend_from_slice(&rest[..n]);
                taken += n;
                rest = &rest[n..];
                if self.staged.len() == RECORD && !self.push()? {
                    return Ok(taken);
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
        // Taken is taken: what the socket has no room for stays staged. An error comes again with the next call.
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
        // Sends close_notify, if there is room for it, and does not wait for the peer's.
        let _ = self.stream.shutdown();
    }

    fn has_buffered(&self) -> bool {
        self.more
    }

    fn has_unsent(&self) -> bool {
        !self.staged.is_empty()
    }

    fn take_details(&mut self) -> Vec<String> {
        std::mem::take(&mut self.details)
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        AsFd::as_fd(self.stream.get_ref())
    }
}
