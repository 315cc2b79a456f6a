//! Ending the runs of workers that are to end, from outside.

use super::super::state;
use super::super::stop_request::{Place, Reason};
use super::Launcher;
use super::workers::Running;
use crate::pg;
use crate::settings;
use logic::names;
use pgrx::pg_sys;

/// Ends what others wait for.
fn give_way(long: &[(pg_sys::Oid, &Place, u64)], locks: &pg::LockTable) {
    for (database, place, transaction) in long {
        if locks.database_is_wanted(*database, place.pid()) {
            place.request(None, Reason::DatabaseWanted);
        } else if locks.makes_others_wait(place.pid(), &place.own()) {
            place.want_locks_of(*transaction);
        }
    }
}

impl Launcher {
    /// Ends the runs that are to end, also in the middle of a statement, which sees for itself neither a setting nor who
    /// waits for it.
    pub(super) fn supervise(&self) {
        let is_off = settings::databases() == names::Databases::None;
        let mut long = Vec::new();
        for running in self.workers.all() {
            let Some(place) = self.workers.place(running) else {
                continue;
            };
            if state::is_paused() {
                place.request(None, Reason::Paused);
            } else if is_off || !self.databases.is_wanted(running.database) {
                place.request(None, Reason::Unscheduled);
            }
            let transaction = place.long_transaction();
            place.set_waited_for(transaction.is_some() && self.is_waited_for(running.database));
            if let Some(transaction) = transaction {
                long.push((running.database, place, transaction));
            }
        }
        if !long.is_empty() {
            let given = pg::catch(|| {
                pg::LockTable::read(|locks| give_way(&long, locks));
                Ok(())
            });
            if let Err(refusal) = given {
                pg::log_error(&refusal, "looking who waits for the workers");
            }
        }
    }

    /// Whether something of a database is due, and all of its workers are in statements that take long.
    fn is_waited_for(&self, database: pg_sys::Oid) -> bool {
        let is_busy = |running: &Running| {
            let place = self.workers.place(running);
            place.is_some_and(|place| place.long_transaction().is_some())
        };
        let has_to_look = |running: &Running| !self.workers.knows_all(running);
        self.workers.of(database).all(is_busy)
            && (self.waits_since(database).is_some() || self.workers.of(database).all(has_to_look))
    }
}
