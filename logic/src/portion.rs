//! How much is asked of other servers at a time, so that they answer soon.
//!
//! Who asks waits for the answers inside a transaction, which is to be short. How long they take depends on how busy the
//! servers are, and on how many are asked, because connections to them are made one after the other. Neither is known
//! before, so the next portion follows from how long the last one took.

use std::time::Duration;

/// How long it should take.
const GOAL: Duration = Duration::from_millis(50);

/// The shortest time that is worth the connection that it takes.
const SHORTEST: Duration = Duration::from_millis(5);

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LONGEST: Duration = Duration::from_millis(25);

    /// After so many portions, each of which took as long as this says.
    fn after(portions: usize, took: impl Fn(&Portion) -> Duration) -> Portion {
        let mut portion = Portion::first(LONGEST);
        for _ in 0..portions {
            portion.follow(portion.asked(), took(&portion));
        }
        portion
    }

    #[test]
    fn what_takes_long_becomes_one_server_at_a_time_for_a_moment() {
        let slow = after(10, |_| Duration::from_secs(1));
        assert_eq!((slow.asked(), slow.time()), (1, SHORTEST));
    }

    #[test]
    fn what_was_slow_and_is_quick_again_grows_to_what_it_may_be() {
        let mut portion = after(10, |_| Duration::from_secs(1));
        for _ in 0..10 {
            portion.follow(portion.asked(), portion.time() + Duration::from_millis(5));
        }
        assert_eq!((portion.asked(), portion.time()), (128, LONGEST));
    }

    /// One that is asked for a moment only is hardly worth its connection.
    #[test]
    fn a_slow_connection_is_made_use_of_rather_than_another_one_made() {
        let portion = after(20, |portion| {
            portion.time() + Duration::from_millis(20) * portion.asked() as u32
        });
        assert_eq!((portion.asked(), portion.time()), (1, LONGEST));
    }

    #[test]
    fn fewer_than_might_be_asked_say_nothing_of_more() {
        let mut portion = after(3, |portion| portion.time());
        assert_eq!(portion.asked(), 16);
        portion.follow(3, Duration::ZERO);
        assert_eq!(portion.asked(), 16);
        portion.follow(3, Duration::from_secs(1));
        assert_eq!(portion.asked(), 1);
    }

    proptest! {
        /// However long a connection takes, and how much longer a server is busy than it should be: where it can be met, the
        /// goal is, from some portion on.
        #[test]
        fn the_goal_is_met_where_it_can_be(connection in 1_u32..40, busy in 1_u32..5) {
            let took = |portion: &Portion| {
                let connections = u32::try_from(portion.asked()).expect("few") * connection;
                Duration::from_millis(connections.into()) + portion.time() * busy
            };
            let least = Duration::from_millis(connection.into()) + SHORTEST * busy;
            prop_assume!(least < GOAL);
            for portions in 20..40 {
                // A try for more is one that may take too long; it is not repeated at once.
                let two = [after(portions, took), after(portions + 1, took)];
                prop_assert!(two.iter().any(|portion| took(portion) <= GOAL), "{two:?}");
            }
        }
    }
}
