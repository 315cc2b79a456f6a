//! Tables of one database take turns: a run that takes long is put aside when another table is due, and goes on where it was,
//! in this process or another, when that one has had its turn. It stays one run, with one row in the history.

use super::aside::{self, Found};
use super::board::{Board, board};
use super::database::begin_in;
use super::history::{self, Details};
use super::host::Host;
use super::policy::{self, Due, Policy};
use super::repacking::Repacking;
use super::rewriting::Rewriting;
use super::state;
use super::stop_request;
use crate::pg::{self, Usage};
use crate::run::{Stop, WrittenDown};
use logic::number;
use logic::turns::TURN;
use pgrx::pg_sys;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// A run, which may have had turns before.
pub struct Turn<'a> {
    pub host: Host<'a>,
    /// With which it goes on; `None`: it begins.
    pub aside: Option<WrittenDown>,
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

    /// So much it has used, and so long it has taken, before it was put aside.
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
            rewrite: self.rewritten.in_words(),
            ..Details::default()
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
pub struct Turns {
    /// The tables whose runs were put aside at the last look, or have been since, and when their last turns began.
    aside: HashMap<u32, i64>,
    /// When the last turn of each table began, and the last of each owner's tables.
    served: HashMap<u32, i64>,
    owners: HashMap<pg_sys::Oid, i64>,
    last: i64,
    /// When tables were due by the settings of that instant, as long as they have not had a turn since.
    planned: HashMap<u32, i64>,
    planned_by: i64,
    /// Tables that were due before the settings were reloaded.
    queued: HashSet<u32>,
    /// When each table is due next, as far as that is known without another look.
    coming: HashMap<u32, i64>,
    look: Look,
}

/// When tables were looked up: what has been committed by then is known.
#[derive(Clone, Copy, Default)]
pub struct Look {
    pub instant: i64,
    /// How many changes of policies there had been.
    pub changes: u64,
    /// How many claims other workers had released.
    released: u64,
}

impl Look {
    /// What is looked up from now on.
    pub fn begin() -> Look {
        Look {
            instant: pg::now(),
            changes: board().map_or(0, Board::changes),
            released: board().map_or(0, Board::released_elsewhere),
        }
    }

    /// Whether another worker may have been since at a table that nobody else is at now.
    pub fn has_been_overtaken(&self) -> bool {
        board().is_some_and(|board| board.released_elsewhere() != self.released)
    }
}

impl Turns {
    /// A table's turn begins: with the run that was put aside, if there is one, and it is not to end.
    pub fn take<'a>(&mut self, schema: &'a str, due: &Due) -> Found<'a> {
        let table = due.table;
        self.last = pg::now().max(self.last.saturating_add(1));
        self.served.insert(table.into(), self.last);
        self.owners.insert(due.owner, self.last);
        self.planned.remove(&table.into());
        self.queued.remove(&table.into());
        self.coming.insert(table.into(), due.after);
        let is_aside = self.aside.remove(&table.into()).is_some();
        // Another worker may have put it aside since.
        if is_aside || self.look.has_been_overtaken() {
            return take_aside(schema, table);
        }
        Found::Gone
    }

    /// A run's turn is over.
    pub fn put_aside(&mut self, schema: &str, table: pg_sys::Oid, turn: Turn<'_>) {
        let began = self.served.get(&table.into()).copied();
        let began = began.unwrap_or(i64::MIN);
        aside::write_down(schema, turn, began);
        self.aside.insert(table.into(), began);
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
        stop_request::note_others(next.unwrap_or(i64::MAX), self.look);
    }

    /// Takes in a look: has due what is put aside, and what was due and had not had its turn when the settings were
    /// reloaded, from which on (`since`) the time is kept anew. When the first of them is due; `i64::MAX`: never. In a
    /// transaction.
    pub fn keep_due(&mut self, schema: &str, all: &mut [Due], since: i64, look: Look) -> i64 {
        self.aside = aside::all(schema);
        if since != self.planned_by {
            let now = pg::now();
            let overdue = self.planned.iter().filter(|(_, due)| **due <= now);
            self.queued.extend(overdue.map(|(table, _)| *table));
            self.planned_by = since;
        }
        self.planned.clear();
        for due in &mut *all {
            let table = u32::from(due.table);
            // Another worker may have cleared it since.
            let is_queued = self.queued.contains(&table) && due.last_turn < since;
            if self.aside.contains_key(&table) || is_queued {
                due.next_start = i64::MIN;
            }
            self.planned.insert(table, due.next_start);
        }
        self.coming.clone_from(&self.planned);
        self.look = look;
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

    /// When a table's last turn began, or ended. One that ended the worker's process counts, though nothing that has ended is
    /// known of it: the table would come first again.
    fn served(&self, due: &Due) -> i64 {
        let table = u32::from(due.table);
        let served = self.served.get(&table).or(self.aside.get(&table));
        let served = served.copied().unwrap_or(due.last_turn);
        // The clock may have been set back since.
        let lost = due.lost_turn.filter(|instant| *instant <= pg::now());
        lost.map_or(served, |lost| lost.max(served))
    }

    /// Whose turn is next among those that are due: of the owner who has waited longest for one, and of his tables the
    /// one that has. For a turn's time the owner stays the same, for whom alone this process can act.
    pub fn next(&self, all: &[Due], is_due: impl Fn(&Due) -> bool) -> Option<usize> {
        let served = pg::first_owner().filter(|(_, since)| since.elapsed() < TURN);
        let due = all.iter().enumerate().filter(|(_, due)| is_due(due));
        let next = due.min_by_key(|(_, due)| {
            (
                served.is_some_and(|(owner, _)| owner != due.owner),
                self.owners.get(&due.owner),
                self.served(due),
                due.next_start,
                u32::from(due.table),
            )
        });
        next.map(|(index, _)| index)
    }
}

/// Ends the runs that are put aside of tables that are no longer to be cleared, of all where the database is no longer listed.
/// The others go on when there is a worker.
pub fn close_unscheduled(schema: &str) {
    let aside = match begin_in(schema) {
        true => aside::all(schema),
        false => HashMap::new(),
    };
    let tables = aside.into_keys().map(pg_sys::Oid::from);
    let listed = state::is_listed();
    let over: Vec<_> = tables
        .filter(|table| !listed || policy::find(schema, *table).is_none())
        .collect();
    pg::commit();
    for table in over {
        if let Found::Turn(turn, _) = take_aside(schema, table) {
            turn.close(schema, Stop::Unscheduled.name());
        }
    }
}

/// Goes on with a run that is put aside.
fn take_aside<'a>(schema: &'a str, table: pg_sys::Oid) -> Found<'a> {
    let found = match begin_in(schema) {
        true => aside::take(schema, table),
        false => Found::Gone,
    };
    pg::commit();
    found
}
