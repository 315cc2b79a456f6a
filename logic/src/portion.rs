//! How much is asked of other servers at a time, so that they answer soon.
//!
//! Who asks waits for the answers inside a transaction, which is to be short. How long they take depends on how busy the
//! servers are, and on how many are asked, because connections to them are made one after the other. Neither is known
//! before, so the next portion follows from how long the last one took.

use std::time::Duration;

/// How long it should take.
pub const GOAL: Duration = Duration::from_millis(50);

/// The shortest time that is worth the connection that it takes.
pub const SHORTEST: Duration = Duration::from_millis(5);

/// What may be asked for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portion {
    asked: usize,
    time: Duration,
    longest: Duration,
}

impl Portion {
    /// The first one: of two, because nothing is known; `longest`: the time that each is ever given.
    pub fn first(longest: Duration) -> Self {
        Portion {
            asked: 2,
            time: longest,
            longest,
        }
    }

    /// How many to ask at the same time; at least one.
    pub fn asked(&self) -> usize {
        self.asked
    }

    /// How long each should work.
    pub fn time(&self) -> Duration {
        self.time
    }

    /// Follows from that it took so long to ask so many.
    pub fn follow(&mut self, asked: usize, took: Duration) {
        if took > GOAL {
            self.asked = (asked / 2).max(1);
            self.time = (self.time / 2).max(SHORTEST).min(self.longest);
            return;
        }
        // Time first, which makes more of each connection. All but the time is for connections, for the most part, and twice
        // as many take twice as long.
        let connecting = took.saturating_sub(self.time);
        if self.time < self.longest && took + self.time <= GOAL {
            self.time = (self.time * 2).min(self.longest);
        } else if took + connecting <= GOAL {
            self.asked = self.asked.max(asked.saturating_mul(2));
        }
    }
}
