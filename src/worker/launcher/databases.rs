//! The databases that the launcher knows of, and when each is due.

use super::super::board::{Board, Ending};
use super::super::failures::Kind;
use super::super::waiting::{Period, Waiting};
use super::workers::{Running, Workers};
use super::{NO_WORKER_RETRY, after};
use crate::pg::{self, Database, Zone};
use crate::settings;
use logic::schedule::Schedule;
use logic::turns::TURN;
use logic::{backoff, names, number};
use pgrx::pg_sys;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// How long a database is left alone for which a worker has made way, or whose worker somebody has terminated.
const YIELD: Duration = Duration::from_secs(10);

/// The same where its worker could not lock the extension's relations. Any role can have that last for as long as it likes:
/// it is not to last longer for that.
const LOCKED_OUT: Duration = Duration::from_secs(2);

/// How long until the next look at a database whose worker has gone by other settings.
const STRANGER: Duration = Duration::from_millis(200);

/// How long until the next look for a database that is not there, or cannot be connected to: it may have been renamed, or closed,
/// for a moment.
const MISSING_RETRY: Duration = Duration::from_secs(10);

/// Why something is said of a database.
const LISTED: &str = "It is listed in \"raw_clear_sessions.databases\".";

/// What is known of a database.
#[derive(Default)]
pub(super) struct Entry {
    /// When it is due; `None`: it has not been looked at, and is now.
    due: Option<i64>,
    failures: u32,
    /// It is listed no longer: a last worker comes, to end the runs there that are put aside.
    leaves: bool,
    /// How many workers in a row have gone by other settings than the launcher.
    strangers: u32,
    /// The number of its last worker; 0: it has had none.
    last_start: u64,
    /// While a worker is there, of others that have ended meanwhile: when the last one did, and when the database was due then.
    pub(super) reported: Option<(i64, i64)>,
    /// Its last worker has ended because its turn was over, and something is due there that it could not do.
    pub(super) has_had_turn: bool,
}

pub(super) struct Databases {
    board: &'static Board,
    entries: HashMap<pg_sys::Oid, Entry>,
    waiting: Waiting,
    /// Complaints that have been logged, and stand.
    noted: HashSet<String>,
    /// It could not look them up when it last tried.
    cannot_look: bool,
    /// Those of which it has been logged that they have no extension.
    lacking: HashSet<pg_sys::Oid>,
    /// When to look for those that were not there.
    next_search: i64,
    /// How many workers have been started, but for helpers.
    starts: u64,
}

impl Databases {
    pub(super) fn new(board: &'static Board) -> Databases {
        Databases {
            board,
            entries: HashMap::new(),
            waiting: Waiting::load(),
            noted: HashSet::new(),
            cannot_look: false,
            lacking: HashSet::new(),
            next_search: i64::MIN,
            starts: 0,
        }
    }

    /// Whether nothing is to be done in any, not even to be ended.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.waiting.databases().next().is_none()
    }

    /// The time begins to be kept anew: where one waits, what was due before stays due.
    pub(super) fn start_over(&mut self, now: i64, workers: &Workers) {
        let since = self.board.since();
        for (database, entry) in &self.entries {
            let is_running = workers.all().any(|one| one.database == *database);
            if is_running || entry.failures > 0 || entry.due.is_none_or(|due| due <= now) {
                self.waiting.keep((*database).into(), (since, now));
            }
        }
        self.noted.clear();
    }

    /// Forgets when these are due; some of them may be new.
    pub(super) fn look_again(&mut self, which: impl Fn(pg_sys::Oid) -> bool) {
        self.next_search = i64::MIN;
        for (database, entry) in &mut self.entries {
            if which(*database) {
                entry.due = None;
                self.board.failures.set_next_try(*database, None);
            }
        }
    }

    /// Those that are due and have no worker, and when to look again for others. Who has waited longest for a turn comes first.
    pub(super) fn due(&self, now: i64, workers: &Workers) -> (Vec<pg_sys::Oid>, i64) {
        let idle = self
            .entries
            .iter()
            .filter(|(oid, _)| !workers.is_running(**oid));
        let mut next = self.next_search;
        let mut waiting = Vec::new();
        for (oid, entry) in idle {
            match entry.due.unwrap_or(i64::MIN) {
                due if due > now => next = next.min(due),
                due => waiting.push((entry.last_start, due, u32::from(*oid))),
            }
        }
        waiting.sort_unstable();
        let waiting = waiting.into_iter().map(|(_, _, oid)| oid.into());
        (waiting.collect(), next)
    }

    /// Writes down that these wait for a worker now.
    pub(super) fn save_waiting(&mut self, which: &[pg_sys::Oid], now: i64) {
        let period = (self.board.since(), now);
        self.waiting
            .save(which.iter().map(|oid| (*oid).into()), period);
    }

    /// From when to when the time was kept before, where one waits since then.
    pub(super) fn waited(&self, database: pg_sys::Oid) -> Option<Period> {
        self.waiting.period(database.into())
    }

    /// Its worker has been started: it is the last to come next.
    pub(super) fn note_start(&mut self, database: pg_sys::Oid) {
        self.starts += 1;
        self.entries.entry(database).or_default().last_start = self.starts;
    }

    pub(super) fn entry(&self, database: pg_sys::Oid) -> Option<&Entry> {
        self.entries.get(&database)
    }

    /// Whether a database is listed, as far as is known.
    pub(super) fn is_wanted(&self, database: pg_sys::Oid) -> bool {
        self.entry(database).is_some_and(|entry| !entry.leaves)
    }

    /// Says what is wrong with a database, or no longer.
    pub(super) fn note_failure(&mut self, running: &Running, ending: Ending) {
        let database = running.database;
        if let Ending::Succeeded { is_installed, .. } = ending
            && self.is_wanted(database)
        {
            self.note_extension(database, is_installed);
        }
        let error = self.board.error(running.ticket);
        let failed = error.as_deref();
        let failed = failed.unwrap_or("its process ended before its work was done");
        let failures = &self.board.failures;
        match ending {
            Ending::Failed | Ending::NotConnected => {
                failures.note(database, Kind::Error, failed);
            }
            Ending::LockedOut => failures.note(database, Kind::LockedOut, failed),
            Ending::Succeeded {
                is_installed: false,
                ..
            } => failures.note(database, Kind::NotInstalled, ""),
            // It went on, but not with everything.
            Ending::Succeeded { .. } | Ending::TurnOver if error.is_some() => {
                failures.note(database, Kind::Error, failed);
            }
            Ending::Succeeded { .. } | Ending::TurnOver | Ending::RunLost => {
                failures.forget(database);
            }
            Ending::Yielded => {}
        }
    }

    /// Says once that a database that is listed has no extension.
    fn note_extension(&mut self, database: pg_sys::Oid, is_installed: bool) {
        if is_installed {
            self.lacking.remove(&database);
        } else if !self.lacking.contains(&database) {
            let Some(databases) = self.look_up_databases() else {
                return;
            };
            self.lacking.insert(database);
            if let Some(found) = databases.iter().find(|one| one.oid == database) {
                let complaint = format!(
                    "database \"{}\" has no extension \"raw_clear_sessions\"",
                    found.name
                );
                pg::log(
                    &complaint,
                    Some(LISTED),
                    Some("Connect to it and run CREATE EXTENSION raw_clear_sessions."),
                );
            }
        }
    }

    /// Finds out when the database is due after one of its workers has ended; `is_last`: no other is there. Where one is, or has
    /// been until shortly before, each has left out what the other one was at.
    pub(super) fn note_ending(&mut self, running: &Running, ending: Ending, is_last: bool) {
        let entry = self.entries.entry(running.database).or_default();
        let reported = entry.reported.take();
        entry.has_had_turn = ending == Ending::TurnOver;
        let due = match ending {
            // The server was about to read a newer postgresql.conf, which the launcher had read already.
            Ending::Succeeded { timetable, .. } if timetable != settings::timetable_hash() => {
                entry.strangers += 1;
                let tries = (entry.strangers - 1).min(8);
                Some(after(STRANGER * 2_u32.pow(tries)))
            }
            // What is to be ended there, it has left to the first.
            Ending::Succeeded { .. } if entry.leaves && running.is_helper => Some(pg::now()),
            Ending::Succeeded { .. } | Ending::Failed | Ending::NotConnected
                if entry.leaves && is_last =>
            {
                self.entries.remove(&running.database);
                self.waiting.forget(running.database.into());
                self.board.failures.forget(running.database);
                return;
            }
            Ending::Succeeded { next_start, .. } => {
                entry.failures = 0;
                entry.strangers = 0;
                if !running.stale && is_last {
                    self.waiting.forget(running.database.into());
                }
                let looked = self.board.looked(running.ticket);
                let since = |(at, _): &(i64, i64)| *at >= looked;
                let overlap = reported.filter(since).map(|(_, due)| due);
                let due = overlap.unwrap_or(i64::MAX).min(next_start);
                Some(due).filter(|_| !running.stale)
            }
            // It may have been for a moment.
            Ending::NotConnected if entry.failures == 0 => {
                entry.failures += 1;
                Some(after(MISSING_RETRY))
            }
            Ending::Failed | Ending::NotConnected => {
                entry.failures += 1;
                let jitter = pg::now().rem_euclid(1000) as f64 / 1000.0;
                Some(after(backoff::delay(entry.failures, jitter)))
            }
            Ending::Yielded => Some(after(YIELD)),
            Ending::LockedOut => Some(after(LOCKED_OUT)),
            // After those that wait already.
            Ending::TurnOver => {
                entry.failures = 0;
                Some(pg::now())
            }
            Ending::RunLost => {
                entry.failures = 0;
                Some(pg::now() - number::microseconds(TURN))
            }
        };
        entry.due = due;
        if is_last
            && matches!(
                ending,
                Ending::Failed | Ending::NotConnected | Ending::LockedOut
            )
        {
            self.board.failures.set_next_try(running.database, due);
        }
        if !is_last {
            entry.reported = Some((pg::now(), due.unwrap_or(i64::MIN)));
        }
    }

    /// Looks which databases there are, where it is time to, or one is due.
    pub(super) fn find_if_needed(&mut self, now: i64) {
        let is_due = |entry: &Entry| entry.due.is_none_or(|due| due <= now);
        if now >= self.next_search || self.entries.values().any(is_due) && !self.cannot_look {
            self.find(now);
        }
    }

    /// Brings the entries in line with the databases that there are.
    fn find(&mut self, now: i64) {
        let Some(existing) = self.look_up_databases() else {
            // Those that are known are worked in.
            return;
        };
        // To be connected to a template would keep CREATE DATABASE waiting.
        let databases = existing.iter().filter(|database| !database.is_template);
        let (wanted, all): (Vec<&Database>, usize) = match settings::databases() {
            names::Databases::None => (Vec::new(), 0),
            names::Databases::All => (
                databases
                    .clone()
                    .filter(|database| database.allows_connections)
                    .collect(),
                databases.count(),
            ),
            names::Databases::Listed(names) => (
                names
                    .iter()
                    .filter_map(|name| self.find_database(&existing, name))
                    .collect(),
                names.len(),
            ),
        };
        let is_missing = wanted.len() < all;
        let wanted: HashSet<pg_sys::Oid> = wanted.iter().map(|database| database.oid).collect();
        let waiting = self.waiting.databases().map(pg_sys::Oid::from);
        for oid in wanted.iter().copied().chain(waiting) {
            self.entries.entry(oid).or_default();
        }
        for (oid, entry) in &mut self.entries {
            entry.leaves = !wanted.contains(oid);
        }
        let may_come = |one: &&Database| one.allows_connections && !one.is_template;
        let open = existing.iter().filter(may_come);
        let open: HashSet<pg_sys::Oid> = open.map(|database| database.oid).collect();
        self.entries
            .retain(|oid, entry| !entry.leaves || open.contains(oid));
        let entries = &self.entries;
        self.board.failures.retain(|oid| entries.contains_key(&oid));
        self.lacking.retain(|oid| entries.contains_key(oid));
        self.board
            .lost_runs
            .retain(|oid| entries.contains_key(&oid));
        self.waiting.retain(|oid| entries.contains_key(&oid.into()));
        self.next_search = Schedule::parse(&settings::schedule()).map_or(i64::MAX, |schedule| {
            schedule.next_after(now, &Zone::of_session())
        });
        if is_missing {
            self.next_search = self.next_search.min(after(MISSING_RETRY));
        }
    }

    /// All databases; `None` where that failed, which is in the log once, until it succeeds. Others may have the catalog locked.
    fn look_up_databases(&mut self) -> Option<Vec<Database>> {
        let looked = pg::catch(|| Ok(pg::databases()));
        if let Err(refusal) = &looked {
            self.next_search = after(NO_WORKER_RETRY);
            if !self.cannot_look {
                pg::log_error(refusal, "looking up the databases to clear sessions in");
            }
        }
        self.cannot_look = looked.is_err();
        looked.ok()
    }

    /// A listed database that can be worked in; says once if it cannot.
    fn find_database<'a>(&mut self, existing: &'a [Database], name: &str) -> Option<&'a Database> {
        let missing = format!("database \"{name}\" does not exist");
        let closed = format!("database \"{name}\" is not currently accepting connections");
        let found = existing.iter().find(|database| database.name == name);
        let complaint = match found {
            None => Some(&missing),
            Some(database) if !database.allows_connections => Some(&closed),
            Some(_) => None,
        };
        for stale in [&missing, &closed] {
            if complaint != Some(stale) {
                self.noted.remove(stale);
            }
        }
        let Some(complaint) = complaint else {
            return found;
        };
        if self.noted.insert(complaint.to_owned()) {
            pg::log(complaint, Some(LISTED), None);
        }
        None
    }
}
