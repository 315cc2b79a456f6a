//! The server's time zones as clocks, by which cron expressions are due.

use crate::pg::Zone;
use logic::schedule::Clock;
use logic::zone::Transition;

impl Clock for Zone {
    fn offset_at(&self, instant: i64) -> i64 {
        Zone::offset_at(self, instant)
    }

    fn transitions(&self, from: i64, to: i64) -> Vec<Transition> {
        Zone::transitions(self, from, to)
    }
}
