//! Objects by opaque key: what a C program holds instead of a pointer, and what epoll hands back.
//!
//! A key carries an index and a generation. A stale key finds nothing, whatever has taken its place since, and a number
//! that never was a key finds nothing either. A look-up takes the lock of one slot only, so that objects do not slow each
//! other down; slots come in chunks that never move.

use std::sync::Arc;

use crate::os::lock::Mutex;
use once_cell::sync::OnceCell;

const CHUNK: usize = 1024;
/// At most a million objects at a time.
const CHUNKS: usize = 1024;
/// What the index of a million objects takes.
const INDEX_BITS: u32 = 20;
/// Bits of a key whose generation is at most [`COMPACT_GENERATIONS`].
pub const COMPACT_BITS: u32 = 28;
/// The generations of a registry whose keys are compact. A slot that has had them all is used again only when there is no
/// other left, so that a key comes back after 267 million objects at the earliest.
pub const COMPACT_GENERATIONS: u32 = (1 << (COMPACT_BITS - INDEX_BITS)) - 1;

/// An object's key. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    index: u32,
    generation: u32,
}

impl Key {
    /// Returns the key as a number; [`Key::from_u64`] undoes it.
    pub fn to_u64(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    /// Makes the key of that number, which may never have been one.
    pub fn from_u64(number: u64) -> Self {
        Self {
            index: low_half(number),
            generation: low_half(number >> 32),
        }
    }

    /// Returns the key in as few bits as [`COMPACT_GENERATIONS`] takes; [`Key::from_compact`] undoes it.
    pub fn to_compact(self) -> usize {
        (self.generation << INDEX_BITS | self.index) as usize
    }

    /// Makes the key of that number, which may never have been one.
    pub fn from_compact(number: usize) -> Self {
        let index_mask = (1 << INDEX_BITS) - 1;
        Self {
            index: low_half((number & index_mask) as u64),
            generation: low_half((number >> INDEX_BITS) as u64),
        }
    }
}

fn low_half(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or(0)
}

struct Slot<T: ?Sized> {
    generation: u32,
    object: Option<Arc<T>>,
}

type Chunk<T> = Box<[Mutex<Slot<T>>]>;

/// Where the objects are.
pub struct Registry<T: ?Sized> {
    chunks: [OnceCell<Chunk<T>>; CHUNKS],
    free: Mutex<Free>,
    /// How often a slot is used before all others are preferred to it.
    generations: u32,
    /// The generation before each slot's first.
    base: u32,
}

struct Free {
    /// Slots that have been used before.
    indices: Vec<u32>,
    /// The first slot that has not.
    next: u32,
    /// Slots that have had all their generations.
    worn: Vec<u32>,
}

impl<T: ?Sized> Registry<T> {
    /// Makes an empty registry; for statics, as it is large.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self::with_generations(u32::MAX)
    }

    /// Makes an empty registry whose keys have generations from 1 to `generations`.
    #[allow(clippy::large_stack_arrays)]
    pub const fn with_generations(generations: u32) -> Self {
        Self {
            chunks: [const { OnceCell::new() }; CHUNKS],
            free: Mutex::new(Free {
                indices: Vec::new(),
                next: 0,
                worn: Vec::new(),
            }),
            generations,
            base: 0,
        }
    }

    /// Makes an empty registry for a process that lies so many forks behind the first one. Its keys are not its parents',
    /// whose objects it does not have.
    pub fn after_forks(forks: u32) -> Self {
        Self {
            base: (forks & 0xff) << 24,
            ..Self::new()
        }
    }

    fn slot(&self, index: u32) -> Option<&Mutex<Slot<T>>> {
        let index = index as usize;
        self.chunks.get(index / CHUNK)?.get()?.get(index % CHUNK)
    }

    /// Adds an object; `make` is told its key. None: a million objects exist.
    pub fn insert_with(&self, make: impl FnOnce(Key) -> Arc<T>) -> Option<(Key, Arc<T>)> {
        let index = {
            let mut free = self.free.lock();
            match free.indices.pop() {
                Some(index) => index,
                None if (free.next as usize) < CHUNK * CHUNKS => {
                    free.next += 1;
                    free.next - 1
                }
                None => free.worn.pop()?,
            }
        };
        let chunk = self.chunks[index as usize / CHUNK].get_or_init(|| {
            (0..CHUNK)
                .map(|_| {
                    Mutex::new(Slot {
                        generation: self.base,
                        object: None,
                    })
                })
                .collect()
        });
        let slot = &chunk[index as usize % CHUNK];
        let generation = {
            let mut slot = slot.lock();
            slot.generation = if slot.generation >= self.generations {
                1
            } else {
                slot.generation + 1
            };
            slot.generation
        };
        let key = Key { index, generation };
        let object = make(key);
        slot.lock().object = Some(Arc::clone(&object));
        Some((key, object))
    }

    /// Returns the object of that key.
    pub fn get(&self, key: Key) -> Option<Arc<T>> {
        let slot = self.slot(key.index)?.lock();
        if slot.generation == key.generation {
            slot.object.clone()
        } else {
            None
        }
    }

    /// Takes the object out; only one caller gets it.
    pub fn remove(&self, key: Key) -> Option<Arc<T>> {
        let object = {
            let mut slot = self.slot(key.index)?.lock();
            if slot.generation != key.generation {
                return None;
            }
            slot.object.take()?
        };
        let mut free = self.free.lock();
        if key.generation >= self.generations {
            free.worn.push(key.index);
        } else {
            free.indices.push(key.index);
        }
        drop(free);
        Some(object)
    }

    /// Returns all objects at this moment.
    pub fn all(&self) -> Vec<Arc<T>> {
        let used = self.free.lock().next;
        (0..used)
            .filter_map(|index| self.slot(index)?.lock().object.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_object_is_not_found_although_its_slot_is_used_again() {
        let registry = Registry::<&str>::new();
        let (old, _) = registry.insert_with(|_| Arc::new("old")).expect("room");
        assert_eq!(registry.remove(old).as_deref(), Some(&"old"));
        assert!(registry.remove(old).is_none());
        let (new, _) = registry.insert_with(|_| Arc::new("new")).expect("room");
        assert_eq!((old.index, new.index), (0, 0), "the slot is used again");
        assert!(registry.get(old).is_none());
        assert_eq!(registry.get(new).as_deref(), Some(&"new"));
    }

    #[test]
    fn numbers_that_are_no_keys_find_nothing() {
        let registry = Registry::<u8>::new();
        registry.insert_with(|_| Arc::new(1)).expect("room");
        for number in [0, 1, u64::MAX, 0x7fff_dead_beef, (1 << 32) + 4711, 2 << 32] {
            assert!(registry.get(Key::from_u64(number)).is_none(), "{number:#x}");
        }
        assert!(registry.get(Key::from_u64(1 << 32)).is_some());
    }

    #[test]
    fn a_compact_key_is_found_by_its_number_and_comes_back_last() {
        let registry = Registry::<u32>::with_generations(COMPACT_GENERATIONS);
        let mut seen = std::collections::HashSet::new();
        for n in 0..COMPACT_GENERATIONS * 2 + 10 {
            let (key, _) = registry.insert_with(|_| Arc::new(n)).expect("room");
            let number = key.to_compact();
            assert!(number != 0 && number < 1 << COMPACT_BITS);
            assert!(seen.insert(number), "{number:#x} again, after {n}");
            assert_eq!(registry.get(Key::from_compact(number)).as_deref(), Some(&n));
            registry.remove(key);
            assert!(registry.get(Key::from_compact(number)).is_none());
        }
    }

    #[test]
    fn chunks_follow_one_another() {
        let registry = Registry::<usize>::new();
        let keys: Vec<_> = (0..=CHUNK * 2)
            .map(|n| registry.insert_with(|_| Arc::new(n)).expect("room").0)
            .collect();
        for (n, key) in keys.iter().enumerate() {
            assert_eq!(registry.get(*key).as_deref(), Some(&n));
        }
        assert_eq!(registry.all().len(), keys.len());
    }
}
