//! Lines of the log among the events of a queue: how many may wait, and what is told of those that found no room.

use super::{Kind, Record};
use crate::protocol::property::PropertiesRef;
use crate::trace::Level;

/// Lines that wait at most: a program that does not take them must not fill the memory.
pub(super) const MAX_LINES: usize = 1024;
/// The same in bytes: a line may show a topic, which has up to 64 KiB.
pub(super) const MAX_LINE_BYTES: usize = 1 << 20;

/// The account of the lines of one queue.
#[derive(Default)]
pub(super) struct Lines {
    waiting: usize,
    bytes: usize,
    /// So many found no room, and nobody was told of it.
    dropped: u64,
    /// How often the level was set.
    wish: u64,
}

impl Lines {
    /// Notes that the program has set the level. Returns what the lines of that level are to be added with.
    pub fn wished(&mut self, for_some: bool) -> u64 {
        if !for_some {
            self.dropped = 0;
        }
        self.wish += 1;
        self.wish
    }

    /// Returns the event of a line, unless there is no room for it, or the level was set anew since that wish: a thread may be
    /// about to add one then.
    pub fn add(&mut self, wish: u64, level: Level, line: &str) -> Option<Record> {
        if self.wish != wish {
            return None;
        }
        if self.waiting >= MAX_LINES || self.bytes >= MAX_LINE_BYTES {
            self.dropped += 1;
            return None;
        }
        Some(self.record(level, line))
    }

    /// Notes that the program has taken lines. Returns the event that tells of dropped ones where no line waits that another one
    /// could follow soon: the next may come in hours.
    pub fn taken(&mut self, lines: usize, bytes: usize) -> Option<Record> {
        self.waiting = self.waiting.saturating_sub(lines);
        self.bytes = self.bytes.saturating_sub(bytes);
        (self.waiting == 0 && self.dropped > 0).then(|| self.record(Level::Error, ""))
    }

    fn record(&mut self, level: Level, line: &str) -> Record {
        let mut record = Record::new(Kind::Log);
        record.head.flags = level as u8;
        record.head.value = std::mem::take(&mut self.dropped);
        let record = record.with(line.as_bytes(), PropertiesRef::EMPTY, &[]);
        self.waiting += 1;
        self.bytes += record.size();
        record
    }
}
