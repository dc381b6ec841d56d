//! Acknowledgements that have not been written.

/// While more bytes of acknowledgements than this wait to be written the socket is not read: a server that sends PUBRELs and
/// reads nothing could make us fill the memory with PUBCOMPs. Only acknowledgements count. Were the program's own messages to
/// count too, two peers that both write before they read would wait for each other for ever.
pub const MAX_UNSENT_REPLIES: u64 = 256 * 1024;

/// Counts the bytes of acknowledgements in the outbound stream that have not been written. Those before and behind a mark are
/// counted apart: when the stream has been written up to the mark, those before it are.
#[derive(Debug, Default)]
pub(super) struct Replies {
    before: u64,
    behind: u64,
    /// Stream position.
    mark: u64,
    end: u64,
}

impl Replies {
    /// Counts an acknowledgement that ends at that stream position.
    pub fn add(&mut self, len: usize, end: u64) {
        if self.before == 0 {
            self.before = len as u64;
            self.mark = end;
        } else {
            self.behind += len as u64;
        }
        self.end = end;
    }

    /// Notes that the stream has been written up to that position.
    pub fn written(&mut self, position: u64) {
        if self.before > 0 && position >= self.mark {
            self.before = if position >= self.end { 0 } else { self.behind };
            self.behind = 0;
            self.mark = self.end;
        }
    }

    /// Returns how many bytes have not been written, at most.
    pub fn unsent(&self) -> u64 {
        self.before + self.behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_not_written() {
        let mut replies = Replies::default();
        replies.add(4, 10);
        replies.add(4, 14);
        replies.add(4, 1000);
        assert_eq!(replies.unsent(), 12);
        replies.written(9);
        assert_eq!(replies.unsent(), 12);
        replies.written(10);
        assert_eq!(replies.unsent(), 8);
        replies.add(4, 1004);
        replies.written(999);
        assert_eq!(replies.unsent(), 12);
        replies.written(1000);
        assert_eq!(replies.unsent(), 4);
        replies.written(1004);
        assert_eq!(replies.unsent(), 0);
    }

    #[test]
    fn a_stream_that_is_never_written_to_its_end_does_not_pile_up() {
        let mut replies = Replies::default();
        for n in 1..100_000 {
            replies.add(4, n * 10);
            replies.written(n * 10 - 5);
            assert!(replies.unsent() <= 8);
        }
    }
}
