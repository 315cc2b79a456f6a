//! Numbers in shared memory that belong together.
//!
//! No lock guards them. They are read again until a version number, which the writer raises before and after, shows that
//! they were not being written meanwhile, as PostgreSQL itself does for pg_stat_activity.

use std::array;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Numbers that are written and read together. One process writes, any may read.
pub struct Words<const N: usize> {
    /// Odd while the words are being written.
    version: AtomicU32,
    words: [AtomicU64; N],
}

impl<const N: usize> Words<N> {
    /// How often a reader tries again; a writer that is stopped in between must not stop it.
    const TRIES: usize = 1_000;

    pub fn write(&self, words: [u64; N]) {
        let version = self.version.load(Ordering::Relaxed) | 1;
        self.version.store(version, Ordering::Relaxed);
        fence(Ordering::Release);
        for (shared, word) in self.words.iter().zip(words) {
            shared.store(word, Ordering::Relaxed);
        }
        self.version
            .store(version.wrapping_add(1), Ordering::Release);
    }

    pub fn read(&self) -> [u64; N] {
        let mut words = [0; N];
        for _ in 0..Self::TRIES {
            let before = self.version.load(Ordering::Acquire);
            words = array::from_fn(|index| self.words[index].load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if before & 1 == 0 && self.version.load(Ordering::Relaxed) == before {
                break;
            }
            std::hint::spin_loop();
        }
        words
    }
}

/// As much of a text as the words hold.
pub fn from_text<const N: usize>(text: &str) -> [u64; N] {
    let end = text.floor_char_boundary(N * 8);
    let mut words = [0; N];
    for (index, byte) in text.bytes().take(end).enumerate() {
        words[index / 8] |= u64::from(byte) << (index % 8 * 8);
    }
    words
}

/// The text that was put into words.
pub fn to_text<const N: usize>(words: [u64; N]) -> String {
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    let bytes: Vec<u8> = bytes.take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
