//! A run that is put aside until it goes on, in this process or another: what is written down of it.

use super::super::Host;
use super::super::left_out::{FailedLeaves, LeftOutRows};
use super::{Ended, Run, Start, before, limit_lock_wait, prepare_transaction};
use crate::engine::shards::Place;
use crate::pg;
use crate::progress::Tally;
use crate::refusal::Refusal;
use crate::table::Rule;
use logic::pace::Pace;
use pgrx::pg_sys;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a run that is put aside remembers, without the guard of its table. To it the time until it goes on is a long sleep
/// between two transactions.
#[derive(Serialize, Deserialize)]
pub struct WrittenDown {
    now: i64,
    /// Which rows were expired where it has been, by [`crate::table::Memory::meaning`].
    meaning: String,
    place: Place,
    /// What it has cost and not paid for.
    balance: u64,
    /// What it has come to, by [`Tally::sum`].
    sum: [u64; 4],
    left_out: LeftOutRows,
    failed: FailedLeaves,
    failed_shards: Option<Refusal>,
}

/// Goes on with a run of a table that was put aside when it had taken so long. Refuses (55P03) where another session clears
/// the table by now.
pub fn go_on(
    aside: WrittenDown,
    elapsed: Duration,
    table: pg_sys::Oid,
    host: &mut dyn Host,
) -> Result<Ended, Refusal> {
    let limits = host.limits();
    limit_lock_wait(&limits);
    let mut run = Box::new(Run::from_written(table, &host.rule(), aside)?);
    run.started = before(elapsed);
    run.tally.show();
    prepare_transaction(&limits);
    run.run(host)?.or_failure()
}

impl Run {
    /// What was put aside. Its clock cannot be ahead, or it would be one that has been set back since.
    fn from_written(table: pg_sys::Oid, rule: &Rule, written: WrittenDown) -> Result<Run, Refusal> {
        let start = Start {
            now: written.now.min(pg::now()),
            place: Place::default(),
        };
        let mut pace = Pace::new();
        pace.charge(written.balance);
        let mut run = Run {
            pace,
            tally: Tally::from_sum(written.sum),
            left_out: written.left_out,
            failed: written.failed,
            failed_shards: written.failed_shards,
            ..Run::begin(table, rule, Some(start))?
        };
        // By another policy, what it has passed is to be read again.
        if run.memory.meaning() == written.meaning {
            run.go_on_at(written.place)?;
        }
        Ok(run)
    }

    pub(super) fn write_down(self) -> WrittenDown {
        let mut place = self.place().unwrap_or_default();
        place.done.extend(self.failed.oids().map(u32::from));
        WrittenDown {
            now: self.memory.now(),
            meaning: self.memory.meaning(),
            place,
            balance: self.pace.balance(),
            sum: self.tally.sum(),
            left_out: self.left_out,
            failed: self.failed,
            failed_shards: self.failed_shards,
        }
    }
}
