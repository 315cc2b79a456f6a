//! Tables of one database take turns: a run that takes long is put aside when another table is due, and goes on where it was
//! when that one has had its turn. It stays one run, with one row in the history.

use super::aside::{self, Found};
use super::database::begin_in;
use super::history::{self, Details};
use super::host::Host;
use super::policy::{self, Due, Policy};
use super::repacking::Repacking;
use super::rewriting::Rewriting;
use super::stop_request::{self, Reason};
use crate::pg::{self, Usage};
use crate::run::{PutAside, Stop};
use crate::settings;
use logic::number;
use pgrx::pg_sys;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// A run, which may have had turns before.
pub struct Turn<'a> {
    pub host: Host<'a>,
    /// With which it goes on; `None`: it begins.
    pub aside: Option<PutAside>,
    pub rewritten: Rewriting,
    pub used: Usage,
    pub elapsed: Duration,
}

impl<'a> Turn<'a> {
    pub fn first(host: Host<'a>) -> Self {
        Turn {
            host,
            aside: None,
            rewritten: Rewriting::NotWorthIt,
            used: Usage::default(),
            elapsed: Duration::ZERO,
        }
    }

    /// So much it has used, and so long it has taken, in other processes.
    pub fn take_up(&mut self, used: Usage, elapsed: Duration) {
        self.used = used;
        self.elapsed = elapsed;
    }

    /// Goes on with the run by this policy.
    pub fn resume(mut self, policy: Policy) -> Self {
        self.host.resume(policy, self.elapsed);
        self
    }

    /// Ends a run that was put aside and does not go on.
    pub fn close(self, schema: &str, stop: &'static str) {
        let details = Details {
            policy: history::policy_json(self.host.policy()),
            elapsed_ms: number::milliseconds(self.elapsed),
            usage: self.used,
            expired_left: None,
            rewrite: self.rewritten.in_words(),
            locked_ms: None,
            repacked: None,
            vacuumed: 0,
            detail: None,
            hint: None,
        };
        let result = history::Result::Interrupted(stop, None);
        if begin_in(schema) {
            self.host
                .record
                .end(schema, &result, &details, &Repacking::NotLooked);
        }
        pg::commit();
    }
}

/// The runs of a database that are put aside, and who has had the last turn.
#[derive(Default)]
pub struct Turns<'a> {
    aside: HashMap<u32, Turn<'a>>,
    /// Those that another process has put aside, by their ids in the history, and when their last turns began.
    written: HashMap<u32, (i64, i64)>,
    /// When the last turn of each table began, and the last of each owner's tables.
    served: HashMap<u32, i64>,
    owners: HashMap<pg_sys::Oid, i64>,
    last: i64,
    /// When tables were due by the settings of that instant, as long as they have not had a turn since.
    planned: HashMap<u32, i64>,
    planned_by: i64,
    /// Tables that were due before the settings were reloaded.
    queued: HashSet<u32>,
    /// When each table is due next, as far as that is known without another look; and how many changes of policies there
    /// were before the last one.
    coming: HashMap<u32, i64>,
    changes: u64,
}

impl<'a> Turns<'a> {
    /// With the runs of this database that are put aside.
    pub fn begin(schema: &str) -> Self {
        let is_there = begin_in(schema);
        let written = is_there.then(|| aside::all(schema));
        pg::commit();
        Turns {
            written: written.unwrap_or_default(),
            ..Turns::default()
        }
    }

    /// A table's turn begins: with the run that was put aside, if there is one, and it is not to end.
    pub fn take(&mut self, schema: &'a str, due: &Due) -> Found<'a> {
        let table = due.table;
        self.last = pg::now().max(self.last.saturating_add(1));
        self.served.insert(table.into(), self.last);
        self.owners.insert(due.owner, self.last);
        self.planned.remove(&table.into());
        self.queued.remove(&table.into());
        self.coming.insert(table.into(), due.after);
        if let Some(turn) = self.aside.remove(&table.into()) {
            let stop = stop_request::take_aside(table).and_then(Reason::stop);
            return Found::Turn(Box::new(turn), stop.map(Stop::name));
        }
        self.written
            .remove(&table.into())
            .map_or(Found::Gone, |(id, _)| take_written(schema, table, id))
    }

    pub fn put_aside(&mut self, table: pg_sys::Oid, turn: Turn<'a>) {
        stop_request::put_aside(table);
        self.aside.insert(table.into(), turn);
        self.coming.insert(table.into(), i64::MIN);
    }

    /// A run has failed: when its table is due next, the next look finds out.
    pub fn forget(&mut self, table: pg_sys::Oid) {
        self.coming.remove(&table.into());
    }

    /// Notes what waits for a statement of this table's that takes long.
    pub fn note_others(&self, table: pg_sys::Oid) {
        let others = self.coming.iter();
        let others = others.filter(|(other, _)| **other != u32::from(table));
        let next = others.map(|(_, due)| *due).min();
        stop_request::note_others(next.unwrap_or(i64::MAX), self.changes);
    }

    /// Has due what was put aside, and what was due and had not had its turn when the settings were reloaded, from which
    /// on (`since`) the time is kept anew. When the first of them is due; `i64::MAX`: never. `changes`: how many changes of
    /// policies there were before they were looked up.
    pub fn keep_due(&mut self, all: &mut [Due], since: i64, changes: u64) -> i64 {
        if since != self.planned_by {
            let now = pg::now();
            let overdue = self.planned.iter().filter(|(_, due)| **due <= now);
            self.queued.extend(overdue.map(|(table, _)| *table));
            self.planned_by = since;
        }
        self.planned.clear();
        for due in &mut *all {
            let table = u32::from(due.table);
            if self.is_under_way(table) || self.queued.contains(&table) {
                due.next_start = i64::MIN;
            }
            self.planned.insert(table, due.next_start);
        }
        self.coming.clone_from(&self.planned);
        self.changes = changes;
        let first = all.iter().map(|due| due.next_start).min();
        first.unwrap_or(i64::MAX)
    }

    /// Looks up whose the tables are, and when the last turn of each owner began. In a transaction.
    pub fn find_owners(&mut self, all: &mut [Due]) {
        for due in all {
            due.owner = pg::owner(due.table).unwrap_or(pg_sys::InvalidOid);
            let served = self.served(due);
            let owner = self.owners.entry(due.owner).or_insert(served);
            *owner = served.max(*owner);
        }
    }

    fn is_under_way(&self, table: u32) -> bool {
        self.aside.contains_key(&table) || self.written.contains_key(&table)
    }

    /// When a table's last turn began, or ended.
    fn served(&self, due: &Due) -> i64 {
        let table = u32::from(due.table);
        let aside = self.written.get(&table).map(|(_, turn)| turn);
        let served = self.served.get(&table).or(aside);
        served.copied().unwrap_or(due.last_turn)
    }

    /// Whose turn is next among those that are due: of the owner who has waited longest for one, and of his tables the
    /// one that has. What takes the worker down comes after all others: it would always be the first, because what has not
    /// ended is still due.
    pub fn next(&self, all: &[Due], is_due: impl Fn(&Due) -> bool) -> Option<usize> {
        let due = all.iter().enumerate().filter(|(_, due)| is_due(due));
        let next = due.min_by_key(|(_, due)| {
            let owner = self.owners.get(&due.owner);
            (
                due.comes_last,
                owner,
                self.served(due),
                due.next_start,
                u32::from(due.table),
            )
        });
        next.map(|(index, _)| index)
    }

    /// The worker ends, and with it what it had put aside: a run that is interrupted stays due. But if other databases have
    /// their turn, the next worker goes on with it.
    pub fn close(mut self, schema: &'a str, turn_is_over: bool) {
        for (table, (id, _)) in std::mem::take(&mut self.written) {
            let is_scheduled = begin_in(schema) && policy::find(schema, table.into()).is_some();
            pg::commit();
            if !is_scheduled && let Found::Turn(turn, _) = take_written(schema, table.into(), id) {
                turn.close(schema, Stop::Unscheduled.name());
            }
        }
        for (table, turn) in self.aside {
            if turn_is_over {
                match stop_request::take_aside(table.into()).and_then(Reason::stop) {
                    Some(stop) => turn.close(schema, stop.name()),
                    None => {
                        let began = self.served.get(&table).copied();
                        aside::write_down(schema, turn, began.unwrap_or(i64::MIN));
                    }
                }
                continue;
            }
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

/// Takes a run over that another process has put aside.
fn take_written<'a>(schema: &'a str, table: pg_sys::Oid, id: i64) -> Found<'a> {
    let found = match begin_in(schema) {
        true => aside::take(schema, table, id),
        false => Found::Gone,
    };
    pg::commit();
    found
}
