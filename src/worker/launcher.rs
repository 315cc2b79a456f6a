//! The launcher: keeps the time, and starts a process for each database that is due; and more of them, as long as no other
//! database needs one, where tables of it have to wait.
//!
//! It sleeps until the next database is due, or something happens: a reload, the end of a database worker, a change of
//! a policy. It connects to no database; which tables are due, each database's worker finds out and reports back.

use super::board::{Board, Ending, Ticket, board};
use super::clock_step;
use super::entry::DATABASE_WORKER;
use super::failures::Kind;
use super::own_settings;
use super::state;
use super::stop_request::{INTERVAL, Place, Reason};
use super::waiting::Waiting;
use crate::pg::{self, Database, Handle, Zone};
use crate::settings::{self, Limits};
use logic::backoff;
use logic::clock_step::Ahead;
use logic::names::Databases;
use logic::number;
use logic::schedule::Schedule;
use logic::turns::{self, AtWork, TURN};
use pgrx::pg_sys;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// How long until the next try when the server has no background worker free.
const NO_WORKER_RETRY: Duration = Duration::from_secs(10);

/// After how long without a shortage of background workers the next one is logged again.
const SHORTAGE_OVER: Duration = Duration::from_secs(3_600);

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

/// The longest sleep: due instants are by the wall clock, which may be set, and the sleep is not.
const LONGEST_SLEEP: Duration = Duration::from_secs(300);

/// How long until the next look at a clock that was set ahead.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(1);

/// A clock that is set back by less than this is one that is kept right.
const SMALLEST_STEP: Duration = Duration::from_secs(1);

/// Why something is said of a database.
const LISTED: &str = "It is listed in \"raw_clear_sessions.databases\".";

/// What is known of a database.
#[derive(Default)]
struct Entry {
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
    reported: Option<(i64, i64)>,
    /// Its last worker has ended because its turn was over, and something is due there that it could not do.
    has_had_turn: bool,
}

/// A database worker that is running.
struct Running {
    ticket: Ticket,
    database: pg_sys::Oid,
    /// `None`: it was started by an earlier launcher.
    handle: Option<Handle>,
    /// It was started before the last change of the settings or policies: what it reports may be out of date.
    stale: bool,
    stale_since: Option<Instant>,
    /// It was started beside another one of the same database.
    is_helper: bool,
    since: Instant,
    /// When it was asked to make place for another database's.
    asked: Option<Instant>,
    /// It does not come back from a statement, and counts no more.
    is_deaf: bool,
}

impl Running {
    fn new(
        ticket: Ticket,
        database: pg_sys::Oid,
        is_helper: bool,
        handle: Option<Handle>,
    ) -> Running {
        Running {
            ticket,
            database,
            stale: handle.is_none(),
            stale_since: None,
            is_helper,
            handle,
            since: Instant::now(),
            asked: None,
            is_deaf: false,
        }
    }
}

struct Launcher {
    board: &'static Board,
    timetable: [String; 4],
    /// A setting that the server has not taken.
    refused: Option<String>,
    zone: String,
    entries: HashMap<pg_sys::Oid, Entry>,
    waiting: Waiting,
    running: Vec<Running>,
    /// Complaints that have been logged, and stand.
    noted: HashSet<String>,
    /// It could not look up the databases when it last tried.
    cannot_look: bool,
    /// The databases of which it has been logged that they have no extension.
    lacking: HashSet<pg_sys::Oid>,
    /// When to look for databases that were not there.
    next_search: i64,
    next_try: i64,
    /// The same for a worker beside another one.
    next_helper: i64,
    /// When the server last had no background worker free.
    last_shortage: Option<i64>,
    /// The latest time that the clock has shown.
    latest: i64,
    /// It has been set ahead, and the log says so.
    clock_is_ahead: bool,
    /// How many workers it has started.
    starts: u64,
}

/// The launcher's life: until it is told to end.
pub fn main() {
    let Some(board) = board() else { return };
    board.begin_launcher();
    board.limits.write(Limits::by_settings().in_numbers());
    own_settings::apply_to_launcher();
    let mut launcher = Launcher {
        board,
        timetable: settings::timetable(),
        refused: None,
        zone: String::new(),
        entries: HashMap::new(),
        waiting: Waiting::load(),
        running: Vec::new(),
        noted: HashSet::new(),
        cannot_look: false,
        lacking: HashSet::new(),
        next_search: i64::MIN,
        next_try: i64::MIN,
        next_helper: i64::MIN,
        last_shortage: None,
        latest: i64::MIN,
        clock_is_ahead: false,
        starts: 0,
    };
    launcher.adopt();
    board.set_refused(None);
    launcher.notice_refused(true);
    launcher.start_over();
    while !pg::shutdown_requested() {
        launcher.notice_clock();
        launcher.notice_changes();
        launcher.reap();
        launcher.notice_deaf();
        let next = launcher.start_what_is_due();
        launcher.supervise();
        let mut sleep = next.map(|next| until(next).min(LONGEST_SLEEP));
        if !launcher.running.is_empty() {
            sleep = Some(sleep.unwrap_or(INTERVAL).min(INTERVAL));
        }
        pg::wait(sleep);
    }
}

fn until(instant: i64) -> Duration {
    Duration::from_micros(number::count(instant.saturating_sub(pg::now())))
}

/// How many processes there may be, deaf ones among them.
pub fn most_with_deaf() -> usize {
    settings::max_workers().saturating_mul(2)
}

fn after(delay: Duration) -> i64 {
    pg::now().saturating_add(number::microseconds(delay))
}

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
    fn adopt(&mut self) {
        for (ticket, database, is_helper) in self.board.adopt() {
            let running = Running::new(ticket, database, is_helper, None);
            self.running.push(running);
        }
    }

    /// Keeps the time by the settings as they are, from now on: every database is looked at again.
    fn start_over(&mut self) {
        self.timetable = settings::timetable();
        self.zone = Zone::of_session().name().to_owned();
        let (since, now) = (self.board.since(), pg::now());
        for (database, entry) in &self.entries {
            let is_running = self.running.iter().any(|one| one.database == *database);
            if is_running || entry.failures > 0 || entry.due.is_none_or(|due| due <= now) {
                self.waiting.keep((*database).into(), (since, now));
            }
        }
        self.board.set_since(now, &self.zone);
        self.board.count_change();
        self.look_again(|_| true);
        self.noted.clear();
        self.next_try = i64::MIN;
    }

    /// Where the clock has been set back, what is due by the time that it showed before would not come for as long.
    fn notice_clock(&mut self) {
        let now = pg::now();
        if now
            < self
                .latest
                .saturating_sub(number::microseconds(SMALLEST_STEP))
        {
            self.board.note_set_back(self.latest);
            self.latest = now;
            self.start_over();
        }
        self.latest = self.latest.max(now);
    }

    fn notice_changes(&mut self) {
        if pg::reload_if_asked() {
            self.board.limits.write(Limits::by_settings().in_numbers());
            let has_changed = self.notice_refused(false);
            if has_changed
                || self.timetable != settings::timetable()
                || self.zone != Zone::of_session().name()
            {
                self.start_over();
            }
        }
        match self.board.take_changed() {
            None => self.look_again(|_| true),
            Some(databases) if databases.is_empty() => {}
            Some(databases) => self.look_again(|database| databases.contains(&database)),
        }
    }

    /// Rests while a setting has been refused, of which nobody knows what it was to say; whether that has changed.
    fn notice_refused(&mut self, after_start: bool) -> bool {
        let refused = settings::refused(self.refused.clone(), after_start);
        if refused == self.refused {
            return false;
        }
        self.board.set_refused(refused.as_deref());
        if let Some(setting) = &refused {
            let off = state::refused(setting);
            pg::log(&off.message, None, Some(&off.hint));
        }
        self.refused = refused;
        true
    }

    /// Forgets when these databases are due; some of them may be new.
    fn look_again(&mut self, which: impl Fn(pg_sys::Oid) -> bool) {
        self.next_search = i64::MIN;
        for (database, entry) in &mut self.entries {
            if which(*database) {
                entry.due = None;
                self.board.failures.set_next_try(*database, None);
            }
        }
        for running in &mut self.running {
            if which(running.database) {
                running.stale = true;
                running.stale_since.get_or_insert_with(Instant::now);
                if let Some(place) = self.board.place(running.ticket) {
                    place.note_changes(self.board.changes());
                }
            }
        }
    }

    /// Takes in what the workers that have ended have found out.
    fn reap(&mut self) {
        let mut ended = Vec::new();
        for running in std::mem::take(&mut self.running) {
            // What a worker of ours has to say waits until its process is gone: only then another finds its place in
            // the server free.
            let gone = running.handle.as_ref().map(Handle::has_ended);
            let ending = self.board.ending(running.ticket, gone == Some(true));
            match ending.filter(|_| gone != Some(false)) {
                Some(ending) => ended.push((running, ending)),
                None => self.running.push(running),
            }
        }
        for (running, ending) in ended {
            self.note_failure(&running, ending);
            self.note_ending(&running, ending);
            self.board.free(running.ticket);
        }
    }

    /// Says what is wrong with a database, or no longer.
    fn note_failure(&mut self, running: &Running, ending: Ending) {
        let database = running.database;
        if let Ending::Succeeded { is_installed, .. } = ending
            && self.is_wanted(database)
        {
            self.note_extension(database, is_installed);
        }
        self.next_try = i64::MIN;
        self.next_helper = i64::MIN;
        let error = self.board.error(running.ticket);
        let failed = error.as_deref();
        let failed = failed.unwrap_or("its process ended before its work was done");
        let failures = &self.board.failures;
        match ending {
            Ending::Failed => failures.note(database, Kind::Error, failed),
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

    /// Finds out when the database is due after one of its workers has ended. Where another one is still there, or has been
    /// until shortly before, each has left out what the other one was at.
    fn note_ending(&mut self, running: &Running, ending: Ending) {
        let is_last = !self.is_running(running.database);
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
            Ending::Succeeded { .. } | Ending::Failed if entry.leaves && is_last => {
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
            Ending::Failed => {
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
        if is_last && matches!(ending, Ending::Failed | Ending::LockedOut) {
            self.board.failures.set_next_try(running.database, due);
        }
        if !is_last {
            entry.reported = Some((pg::now(), due.unwrap_or(i64::MIN)));
        }
    }

    /// Whether a database is listed, as far as is known.
    fn is_wanted(&self, database: pg_sys::Oid) -> bool {
        let entry = self.entries.get(&database);
        entry.is_some_and(|entry| !entry.leaves)
    }

    fn is_running(&self, database: pg_sys::Oid) -> bool {
        self.of(database).next().is_some()
    }

    /// The workers of a database, but for deaf ones.
    fn of(&self, database: pg_sys::Oid) -> impl Iterator<Item = &Running> {
        self.at_work()
            .filter(move |running| running.database == database)
    }

    /// All workers but for deaf ones.
    fn at_work(&self) -> impl Iterator<Item = &Running> {
        self.running.iter().filter(|running| !running.is_deaf)
    }

    /// Whether there are as many as there may be. Others come in the place of deaf ones, but not without end: who may act as many
    /// roles could use up all background workers of the server.
    fn is_full(&self) -> bool {
        let most = settings::max_workers();
        self.at_work().count() >= most || self.running.len() >= most_with_deaf()
    }

    /// Sees which workers do not come back from a statement, and says so.
    fn notice_deaf(&mut self) {
        let mut deaf_anew = false;
        for running in &mut self.running {
            let place = self.board.place(running.ticket);
            let deaf = place.filter(|place| place.is_deaf());
            if let Some(place) = deaf
                && !running.is_deaf
            {
                deaf_anew = true;
                let table = place.under_way().map_or(0, |run| run.table);
                let (pid, database) = (place.pid(), u32::from(running.database));
                pg::log(
                    &format!("worker process {pid} does not react, and others go on without it"),
                    Some(&format!(
                        "It was to end a statement on the table with OID {table} in the database with OID {database}, which checks for no interrupts."
                    )),
                    Some(
                        "Look at what the table's owner has put there: a filter, a function, a trigger, a foreign server that does not answer. No other table of this owner is cleared until it comes back.",
                    ),
                );
            }
            running.is_deaf = deaf.is_some();
        }
        let deaf = self.running.iter().filter(|running| running.is_deaf);
        if deaf_anew && let Some(off) = state::too_many_deaf(deaf.count()) {
            pg::log(&off.message, None, Some(&off.hint));
        }
    }

    /// Since when something of a database with workers has been due that none of them is at, as far as known; `None`: nothing.
    fn waits_since(&self, database: pg_sys::Oid) -> Option<i64> {
        let views = self
            .of(database)
            .filter_map(|running| self.board.place(running.ticket)?.view());
        let reported = self.entries.get(&database).and_then(|entry| entry.reported);
        // Who has looked last knows what the others have come to.
        let (_, due) = views.chain(reported).max()?;
        (due <= pg::now()).then_some(due)
    }

    /// Whether a database with workers needs one more: what is due has waited for a turn, or a policy that is new, and every
    /// worker that is there has looked. Where tables of several owners are due, each worker may be there for a turn only.
    fn needs_helper(&self, database: pg_sys::Oid) -> bool {
        let has_had_turn = self
            .entries
            .get(&database)
            .is_some_and(|entry| entry.has_had_turn);
        let mut workers = self.of(database);
        let all_have_looked = workers.all(|running| {
            let place = self.board.place(running.ticket);
            running.asked.is_none()
                && (has_had_turn || running.since.elapsed() >= TURN)
                && place.is_some_and(|place| place.view().is_some())
        });
        let long_ago = pg::now().saturating_sub(number::microseconds(TURN));
        all_have_looked
            && (self
                .waits_since(database)
                .is_some_and(|since| since <= long_ago)
                || self.of(database).all(|running| {
                    running.stale_since.is_some_and(|at| at.elapsed() >= TURN)
                        && !self.knows_all(running)
                }))
    }

    /// Whether a worker has looked at its database since a policy of it has changed.
    fn knows_all(&self, running: &Running) -> bool {
        let place = self.board.place(running.ticket);
        place.is_none_or(Place::knows_all)
    }

    /// Starts workers beside others, as far as no other database needs them.
    fn start_helpers(&mut self) {
        let databases: HashSet<pg_sys::Oid> = self
            .running
            .iter()
            .map(|running| running.database)
            .collect();
        for database in databases {
            if self.is_full() || pg::now() < self.next_helper {
                return;
            }
            if self.is_wanted(database) && self.needs_helper(database) {
                self.start_helper(database);
            }
        }
    }

    fn start_helper(&mut self, database: pg_sys::Oid) {
        let is_helper = self.of(database).any(|running| !running.is_helper);
        match self.start_worker(database, is_helper) {
            Some(running) => self.running.push(running),
            // The one that is there goes on.
            None => self.next_helper = after(NO_WORKER_RETRY),
        }
    }

    /// A worker of a database; `None` where there is no place for it on the board, or the server has none free.
    fn start_worker(&self, database: pg_sys::Oid, is_helper: bool) -> Option<Running> {
        let waited = self.waiting.period(database.into());
        let ticket = self.board.assign(database, is_helper, waited)?;
        let handle = pg::start_database_worker(DATABASE_WORKER, ticket.to_argument());
        if handle.is_none() {
            self.board.free(ticket);
        }
        Some(Running::new(ticket, database, is_helper, Some(handle?)))
    }

    /// Starts the workers of all databases that are due, as far as there are workers. When to do so again, if nothing
    /// happens before; `None`: only then.
    fn start_what_is_due(&mut self) -> Option<i64> {
        let is_off = settings::databases() == Databases::None;
        let nothing_is_left = self.entries.is_empty() && self.waiting.databases().next().is_none();
        let now = pg::now();
        if is_off && nothing_is_left {
            self.waiting.save(std::iter::empty(), (now, now));
        }
        if let Some(ahead) = clock_step::ahead() {
            self.note_clock_ahead(&ahead);
            return Some(after(LOOK_AT_CLOCK));
        }
        self.clock_is_ahead = false;
        if state::is_paused() || is_off && nothing_is_left {
            return None;
        }
        let due = |entry: &Entry| entry.due.unwrap_or(i64::MIN);
        let is_due = self.entries.values().any(|entry| due(entry) <= now);
        if now >= self.next_search || is_due && !self.cannot_look {
            self.find_databases(now);
        }
        let idle = self
            .entries
            .iter()
            .filter(|(oid, _)| !self.is_running(**oid));
        let mut next = self.next_search;
        let mut waiting = Vec::new();
        for (oid, entry) in idle {
            match due(entry) {
                due if due > now => next = next.min(due),
                // Who has waited longest for a turn comes first.
                due => waiting.push((entry.last_start, due, u32::from(*oid))),
            }
        }
        waiting.sort_unstable();
        let mut left = waiting.into_iter().map(|(_, _, oid)| oid).peekable();
        while let Some(oid) = left.peek().copied() {
            if self.is_full() {
                // The end of one of them wakes us.
                break;
            }
            if now < self.next_try || !self.start(oid.into()) {
                next = next.min(self.next_try);
                break;
            }
            left.next();
        }
        let left: Vec<u32> = left.collect();
        self.make_place(left.len());
        if left.is_empty() {
            self.start_helpers();
        }
        self.waiting
            .save(left.into_iter(), (self.board.since(), now));
        Some(next)
    }

    /// Asks workers to make place for so many databases that are due and have none.
    fn make_place(&mut self, waiting: usize) {
        let at_work: Vec<AtWork> = self
            .running
            .iter()
            .map(|running| AtWork {
                elapsed: running.since.elapsed(),
                helps: running.is_helper,
                // From one that is deaf, nothing is to be had.
                asked: if running.is_deaf {
                    Some(TURN)
                } else {
                    running.asked.map(|asked| asked.elapsed())
                },
            })
            .collect();
        for index in turns::to_ask(waiting, &at_work) {
            let running = &mut self.running[index];
            self.board.end_turn(running.ticket);
            running.asked = Some(Instant::now());
        }
    }

    /// Ends the runs that are to end, also in the middle of a statement, which sees for itself neither a setting nor who
    /// waits for it.
    fn supervise(&self) {
        let is_off = settings::databases() == Databases::None;
        let mut long = Vec::new();
        for running in &self.running {
            let Some(place) = self.board.place(running.ticket) else {
                continue;
            };
            if state::is_paused() {
                place.request(None, Reason::Paused);
            } else if is_off || !self.is_wanted(running.database) {
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
            let place = self.board.place(running.ticket);
            place.is_some_and(|place| place.long_transaction().is_some())
        };
        self.of(database).all(is_busy)
            && (self.waits_since(database).is_some()
                || self.of(database).all(|running| !self.knows_all(running)))
    }

    /// Brings the entries in line with the databases that there are.
    fn find_databases(&mut self, now: i64) {
        let Some(existing) = self.look_up_databases() else {
            // Those that are known are worked in.
            return;
        };
        // To be connected to a template would keep CREATE DATABASE waiting.
        let databases = existing.iter().filter(|database| !database.is_template);
        let (wanted, all): (Vec<&Database>, usize) = match settings::databases() {
            Databases::None => (Vec::new(), 0),
            Databases::All => (
                databases
                    .clone()
                    .filter(|database| database.allows_connections)
                    .collect(),
                databases.count(),
            ),
            Databases::Listed(names) => (
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
        self.note(complaint, LISTED);
        None
    }

    /// Starts a database's worker; false where the server has none free.
    fn start(&mut self, database: pg_sys::Oid) -> bool {
        self.next_try = after(NO_WORKER_RETRY);
        let Some(running) = self.start_worker(database, false) else {
            self.note_shortage();
            return false;
        };
        self.board.set_shortage(None);
        self.next_try = i64::MIN;
        self.running.push(running);
        self.starts += 1;
        self.entries.entry(database).or_default().last_start = self.starts;
        true
    }

    /// Says that the server has no background worker free; once, also where one comes free now and then, and all are
    /// served in turn.
    fn note_shortage(&mut self) {
        let now = pg::now();
        let since = self.board.shortage().unwrap_or(now);
        self.board.set_shortage(Some(since));
        let last = self.last_shortage.replace(now);
        let is_over = |last: i64| Duration::from_micros(now.abs_diff(last)) > SHORTAGE_OVER;
        if last.is_none_or(is_over) {
            pg::log(
                "no background worker is free to clear sessions",
                Some("It will be tried again every few seconds."),
                Some("Consider increasing \"max_worker_processes\"."),
            );
        }
    }

    /// Says that the clock cannot be gone by; once until it can again.
    fn note_clock_ahead(&mut self, ahead: &Ahead) {
        if !self.clock_is_ahead {
            let off = state::clock_ahead(ahead);
            pg::log(&off.message, None, Some(&off.hint));
        }
        self.clock_is_ahead = true;
    }

    fn note(&mut self, complaint: &str, detail: &str) {
        if self.noted.insert(complaint.to_owned()) {
            pg::log(complaint, Some(detail), None);
        }
    }
}
