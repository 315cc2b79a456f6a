//! Workers beside others of the same database.

use super::{Launcher, NO_WORKER_RETRY, after};
use crate::pg;
use logic::number;
use logic::turns::TURN;
use pgrx::pg_sys;
use std::collections::HashSet;

impl Launcher {
    /// Starts workers beside others, as far as no other database needs them.
    pub(super) fn start_helpers(&mut self) {
        let databases: HashSet<pg_sys::Oid> =
            self.workers.all().map(|running| running.database).collect();
        for database in databases {
            if self.workers.is_full() || pg::now() < self.next_helper {
                return;
            }
            if self.databases.is_wanted(database) && self.needs_helper(database) {
                self.start_helper(database);
            }
        }
    }

    fn start_helper(&mut self, database: pg_sys::Oid) {
        let is_helper = self.workers.of(database).any(|running| !running.is_helper);
        let waited = self.databases.waited(database);
        if !self.workers.start(database, is_helper, waited) {
            // The one that is there goes on.
            self.next_helper = after(NO_WORKER_RETRY);
        }
    }

    /// Whether a database with workers needs one more: what is due has waited for a turn, or a policy that is new, and every
    /// worker that is there has looked. Where tables of several owners are due, each worker may be there for a turn only.
    fn needs_helper(&self, database: pg_sys::Oid) -> bool {
        let entry = self.databases.entry(database);
        let has_had_turn = entry.is_some_and(|entry| entry.has_had_turn);
        let mut workers = self.workers.of(database);
        let all_have_looked = workers.all(|running| {
            let place = self.workers.place(running);
            running.asked.is_none()
                && (has_had_turn || running.since.elapsed() >= TURN)
                && place.is_some_and(|place| place.view().is_some())
        });
        let long_ago = pg::now().saturating_sub(number::microseconds(TURN));
        all_have_looked
            && (self
                .waits_since(database)
                .is_some_and(|since| since <= long_ago)
                || self.workers.of(database).all(|running| {
                    running.stale_since.is_some_and(|at| at.elapsed() >= TURN)
                        && !self.workers.knows_all(running)
                }))
    }

    /// Since when something of a database with workers has been due that none of them is at, as far as known; `None`: nothing.
    pub(super) fn waits_since(&self, database: pg_sys::Oid) -> Option<i64> {
        let workers = self.workers.of(database);
        let views = workers.filter_map(|running| self.workers.place(running)?.view());
        let entry = self.databases.entry(database);
        let reported = entry.and_then(|entry| entry.reported);
        // Who has looked last knows what the others have come to.
        let (_, due) = views.chain(reported).max()?;
        (due <= pg::now()).then_some(due)
    }
}
