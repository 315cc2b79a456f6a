//! Tables of one database take turns: a run that takes long is put aside when another table is due, and goes on where it was
//! when that one has had its turn. It stays one run, with one row in the history.

use super::database::begin_in;
use super::history::{self, Details};
use super::host::Host;
use super::policy::{self, Policy};
use super::rewriting::Rewriting;
use super::stop_request;
use crate::pg::{self, Usage};
use crate::refusal::Refusal;
use crate::run::{Ended, Outcome, Start, Stop};
use crate::settings;
use pgrx::pg_sys;
use std::collections::HashMap;
use std::time::Duration;

/// A run, which may have had turns before.
pub struct Turn<'a> {
    pub host: Host<'a>,
    /// Where it goes on; `None`: it begins.
    pub start: Option<Start>,
    pub rewritten: Rewriting,
    pub used: Usage,
    pub elapsed: Duration,
    /// What could not be cleared.
    failure: Option<Refusal>,
}

impl<'a> Turn<'a> {
    pub fn first(host: Host<'a>) -> Self {
        Turn {
            host,
            start: None,
            rewritten: Rewriting::NotWorthIt,
            used: Usage::default(),
            elapsed: Duration::ZERO,
            failure: None,
        }
    }

    /// Goes on with the run by this policy: from the beginning of the table where another one said what has expired.
    pub fn resume(mut self, policy: Policy) -> Self {
        if let Some(start) = &mut self.start {
            start.elapsed = self.elapsed;
            if policy.rule() != self.host.policy().rule() {
                start.place = Default::default();
                start.now = pg::now();
            }
        }
        self.host.resume(policy, self.elapsed);
        self
    }

    /// What the turn has come to: an error where rows are left that could not be deleted, and nothing else is.
    pub fn end(&mut self, ended: Ended) -> Result<Outcome, Refusal> {
        let failure = self.failure.take().or(ended.failure);
        let outcome = ended.outcome;
        if outcome.stop != Stop::Turn {
            return failure.map_or(Ok(outcome), Err);
        }
        self.failure = failure;
        self.start = Some(Start {
            now: ended.now,
            place: ended.place.unwrap_or_default(),
            counts: (outcome.deleted, outcome.skipped, outcome.batches),
            elapsed: Duration::ZERO,
        });
        Ok(outcome)
    }

    /// Ends a run that was put aside and does not go on.
    pub fn close(self, schema: &str, stop: &'static str) {
        let details = Details {
            policy: history::policy_json(self.host.policy()),
            elapsed_ms: self.elapsed.as_millis() as u64,
            usage: self.used,
            expired_left: None,
            rewrite: self.rewritten.in_words(),
            vacuumed: 0,
            detail: None,
            hint: None,
        };
        let result = history::Result::Interrupted(stop, self.failure.as_ref());
        if begin_in(schema) {
            self.host.record.end(schema, &result, &details);
        }
        pg::commit();
    }
}

/// The runs of a database that are put aside, and who has had the last turn.
#[derive(Default)]
pub struct Turns<'a> {
    aside: HashMap<u32, Turn<'a>>,
    /// The number of each table's last turn.
    served: HashMap<u32, u64>,
    last: u64,
}

impl<'a> Turns<'a> {
    /// A table's turn begins: with the run that was put aside, if there is one.
    pub fn take(&mut self, table: pg_sys::Oid) -> Option<Turn<'a>> {
        self.last += 1;
        self.served.insert(table.into(), self.last);
        self.aside.remove(&table.into())
    }

    pub fn put_aside(&mut self, table: pg_sys::Oid, turn: Turn<'a>) {
        stop_request::put_aside(table);
        self.aside.insert(table.into(), turn);
    }

    /// Tables are due in the order of these numbers: who has waited longest for a turn comes first.
    pub fn served(&self, table: pg_sys::Oid) -> u64 {
        self.served.get(&table.into()).copied().unwrap_or(0)
    }

    /// The worker ends, and with it what it had put aside: a run that is interrupted stays due.
    pub fn close(self, schema: &str) {
        for (table, turn) in self.aside {
            let is_scheduled = begin_in(schema) && policy::find(schema, table.into()).is_some();
            pg::commit();
            let stop = if !is_scheduled {
                Stop::Unscheduled.name()
            } else if settings::paused() {
                Stop::Paused.name()
            } else {
                "interrupted"
            };
            turn.close(schema, stop);
        }
    }
}
