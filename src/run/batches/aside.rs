//! A run that is put aside until it goes on: in this process, or written down, in another.

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

/// A run that is put aside: what it remembers, without the guard of its table. To it the time until it goes on is a long
/// sleep between two transactions.
pub struct PutAside {
    run: Aside,
    elapsed: Duration,
}

enum Aside {
    Here(Box<Run>),
    /// Another process has begun it.
    WrittenDown(Box<WrittenDown>),
}

/// What another process needs to know of a run that it is to go on with.
#[derive(Serialize, Deserialize)]
pub struct WrittenDown {
    now: i64,
    place: Place,
    /// What it has cost and not paid for.
    balance: u64,
    /// What it has come to, by [`Tally::sum`].
    sum: [u64; 4],
    left_out: LeftOutRows,
    failed: FailedLeaves,
    failed_shards: Option<Refusal>,
}

impl PutAside {
    pub(super) fn here(run: Box<Run>, elapsed: Duration) -> PutAside {
        PutAside {
            run: Aside::Here(run),
            elapsed,
        }
    }

    /// A run that was written down after it had taken so long.
    pub fn from_written(written: WrittenDown, elapsed: Duration) -> PutAside {
        PutAside {
            run: Aside::WrittenDown(Box::new(written)),
            elapsed,
        }
    }

    pub fn write_down(self) -> WrittenDown {
        match self.run {
            Aside::Here(run) => run.write_down(),
            Aside::WrittenDown(written) => *written,
        }
    }
}

/// Goes on with a run of a table that was put aside. Refuses (55P03) where another session clears the table by now.
pub fn go_on(aside: PutAside, table: pg_sys::Oid, host: &mut dyn Host) -> Result<Ended, Refusal> {
    let limits = host.limits();
    limit_lock_wait(&limits);
    let mut run = match aside.run {
        Aside::Here(mut run) => {
            run.take_guard()?;
            run
        }
        Aside::WrittenDown(written) => Box::new(Run::from_written(table, &host.rule(), *written)?),
    };
    run.started = before(aside.elapsed);
    run.tally.show();
    prepare_transaction(&limits);
    run.run(host)?.or_failure()
}

impl Run {
    /// What other processes have begun. Its clock cannot be ahead, or it would be one that has been set back since.
    fn from_written(table: pg_sys::Oid, rule: &Rule, written: WrittenDown) -> Result<Run, Refusal> {
        let start = Start {
            now: written.now.min(pg::now()),
            place: written.place,
        };
        let mut pace = Pace::new();
        pace.charge(written.balance);
        Ok(Run {
            pace,
            tally: Tally::from_sum(written.sum),
            left_out: written.left_out,
            failed: written.failed,
            failed_shards: written.failed_shards,
            ..Run::begin(table, rule, Some(start))?
        })
    }

    fn write_down(self) -> WrittenDown {
        let mut place = self.place().unwrap_or_default();
        place.done.extend(self.failed.oids().map(u32::from));
        WrittenDown {
            now: self.memory.now(),
            place,
            balance: self.pace.balance(),
            sum: self.tally.sum(),
            left_out: self.left_out,
            failed: self.failed,
            failed_shards: self.failed_shards,
        }
    }
}
