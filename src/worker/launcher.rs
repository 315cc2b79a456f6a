//! The launcher: keeps the time, and starts a process for each database that is due; and more of them, as long as no other
//! database needs one, where tables of it have to wait.
//!
//! It sleeps until the next database is due, or something happens: a reload, the end of a database worker, a change of
//! a policy. It connects to no database; which tables are due, each database's worker finds out and reports back.

mod databases;
mod helpers;
mod supervision;
mod workers;

pub use workers::most_with_deaf;

use super::board::{Board, board};
use super::clock_step;
use super::own_settings;
use super::state;
use super::stop_request::INTERVAL;
use crate::pg::{self, Zone};
use crate::settings::{self, Limits};
use databases::Databases;
use logic::clock_step::Ahead;
use logic::names;
use logic::number;
use pgrx::pg_sys;
use std::time::Duration;
use workers::Workers;

/// How long until the next try when the server has no background worker free.
const NO_WORKER_RETRY: Duration = Duration::from_secs(10);

/// After how long without a shortage of background workers the next one is logged again.
const SHORTAGE_OVER: Duration = Duration::from_secs(3_600);

/// The longest sleep: due instants are by the wall clock, which may be set, and the sleep is not.
const LONGEST_SLEEP: Duration = Duration::from_secs(300);

/// How long until the next look at a clock that was set ahead.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(1);

/// A clock that is set back by less than this is one that is kept right.
const SMALLEST_STEP: Duration = Duration::from_secs(1);

struct Launcher {
    board: &'static Board,
    timetable: [String; 4],
    /// A setting that the server has not taken.
    refused: Option<String>,
    zone: String,
    databases: Databases,
    workers: Workers,
    /// When to try again to start a worker, where none was free.
    next_try: i64,
    /// The same for a worker beside another one.
    next_helper: i64,
    /// When the server last had no background worker free.
    last_shortage: Option<i64>,
    /// The latest time that the clock has shown.
    latest: i64,
    /// It has been set ahead, and the log says so.
    clock_is_ahead: bool,
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
        databases: Databases::new(board),
        workers: Workers::adopt(board),
        next_try: i64::MIN,
        next_helper: i64::MIN,
        last_shortage: None,
        latest: i64::MIN,
        clock_is_ahead: false,
    };
    board.set_refused(None);
    launcher.notice_refused(true);
    launcher.start_over();
    while !pg::shutdown_requested() {
        launcher.notice_clock();
        launcher.notice_changes();
        launcher.reap();
        launcher.workers.notice_deaf();
        let next = launcher.start_what_is_due();
        launcher.supervise();
        let mut sleep = next.map(|next| until(next).min(LONGEST_SLEEP));
        if launcher.workers.all().next().is_some() {
            sleep = Some(sleep.unwrap_or(INTERVAL).min(INTERVAL));
        }
        pg::wait(sleep);
    }
}

fn until(instant: i64) -> Duration {
    Duration::from_micros(number::count(instant.saturating_sub(pg::now())))
}

fn after(delay: Duration) -> i64 {
    pg::now().saturating_add(number::microseconds(delay))
}

impl Launcher {
    /// Keeps the time by the settings as they are, from now on: every database is looked at again.
    fn start_over(&mut self) {
        self.timetable = settings::timetable();
        self.zone = Zone::of_session().name().to_owned();
        let now = pg::now();
        self.databases.start_over(now, &self.workers);
        self.board.set_since(now, &self.zone);
        self.board.count_change();
        self.look_again(|_| true);
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
        self.databases.look_again(&which);
        self.workers.look_again(&which);
    }

    /// Takes in what the workers that have ended have found out.
    fn reap(&mut self) {
        for (running, ending) in self.workers.take_ended() {
            self.next_try = i64::MIN;
            self.next_helper = i64::MIN;
            let is_last = !self.workers.is_running(running.database);
            self.databases.note_failure(&running, ending);
            self.databases.note_ending(&running, ending, is_last);
            self.board.free(running.ticket);
        }
    }

    /// Starts the workers of all databases that are due, as far as there are workers. When to do so again, if nothing
    /// happens before; `None`: only then.
    fn start_what_is_due(&mut self) -> Option<i64> {
        let is_off = settings::databases() == names::Databases::None;
        let nothing_is_left = self.databases.is_empty();
        let now = pg::now();
        if is_off && nothing_is_left {
            self.databases.save_waiting(&[], now);
        }
        if let Some(ahead) = clock_step::ahead() {
            self.note_clock_ahead(&ahead);
            return Some(after(LOOK_AT_CLOCK));
        }
        self.clock_is_ahead = false;
        if state::is_paused() || is_off && nothing_is_left {
            return None;
        }
        self.databases.find_if_needed(now);
        let (due, mut next) = self.databases.due(now, &self.workers);
        let mut left = due.into_iter().peekable();
        while let Some(database) = left.peek().copied() {
            if self.workers.is_full() {
                // The end of one of them wakes us.
                break;
            }
            if now < self.next_try || !self.start(database) {
                next = next.min(self.next_try);
                break;
            }
            left.next();
        }
        let left: Vec<pg_sys::Oid> = left.collect();
        self.workers.make_place(left.len());
        if left.is_empty() {
            self.start_helpers();
        }
        self.databases.save_waiting(&left, now);
        Some(next)
    }

    /// Starts a database's worker; false where the server has none free.
    fn start(&mut self, database: pg_sys::Oid) -> bool {
        let waited = self.databases.waited(database);
        if !self.workers.start(database, false, waited) {
            self.next_try = after(NO_WORKER_RETRY);
            self.note_shortage();
            return false;
        }
        self.board.set_shortage(None);
        self.next_try = i64::MIN;
        self.databases.note_start(database);
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
}
