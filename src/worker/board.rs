//! What the launcher, the database workers and the sessions tell each other, in shared memory.

mod claims;

use super::clock_step::ClockStep;
use super::failures::{ERROR_WORDS, Failures};
use super::lost_runs::{self, LostRuns};
use super::stop_request::{self, Place, Reason};
use super::waiting::Period;
use crate::pg;
use crate::settings::{LIMITS, MOST_WORKERS};
use crate::words::{Words, from_text, to_text};
use logic::lost_turns::LostTurns;
use logic::number;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU32, AtomicU64, Ordering};

/// Databases whose policies have changed and that the launcher has not looked at yet; if there are more, it looks at
/// all.
const CHANGED_DATABASES: usize = 64;

/// The words of a time zone's name; PostgreSQL knows none that is longer (TZ_STRLEN_MAX is 255, but the longest name in
/// the time zone database has 32 bytes).
const ZONE_WORDS: usize = 8;

/// The words of a setting's name.
const SETTING_WORDS: usize = 16;

/// Atomics only; all zero, it is the board of a server that has just started.
pub struct Board {
    /// The launcher's process; 0: there is none.
    launcher: AtomicI32,
    /// Since when the launcher has kept the time by the settings as they are.
    since: AtomicI64,
    /// The server's time zone, in which cron expressions are meant.
    zone: Words<ZONE_WORDS>,
    /// Raised whenever a policy changes anywhere: a hint, which a two-phase commit and who changes the table directly do not
    /// give.
    changes: AtomicU64,
    changed: [AtomicU32; CHANGED_DATABASES],
    all_changed: AtomicBool,
    /// The latest instant that the clock has shown before it was set back.
    set_back: AtomicI64,
    /// Whether it was set ahead.
    pub clock: ClockStep,
    /// A setting that has been refused, and keeps the worker from clearing anything; empty: none.
    refused: Words<SETTING_WORDS>,
    /// Those of postgresql.conf, by [`crate::settings::Limits::in_numbers`].
    pub limits: Words<LIMITS>,
    seats: [Seat; MOST_WORKERS as usize],
    /// Who has it looks at all claims, and sets one.
    claiming: AtomicBool,
    /// How many claims have been released.
    released: AtomicU64,
    pub failures: Failures,
    /// Since when no background worker was free for a database that is due; 0: one was.
    shortage: AtomicI64,
    /// When the turns were in the middle of which their worker's process has ended.
    lost_turns: LostTurns,
    pub lost_runs: LostRuns,
}

// SAFETY: its numbers are atomics and words of them.
unsafe impl pg::Shareable for Board {}

pub static BOARD: pg::SharedMemory<Board> = pg::SharedMemory::new(c"raw_clear_sessions worker");

/// The place of one database worker.
struct Seat {
    state: AtomicU32,
    /// Which of the workers that ever had this seat: a late one must not take it from the next.
    ticket: AtomicU32,
    database: AtomicU32,
    /// Another worker was in the database when this one was started.
    is_helper: AtomicBool,
    /// The table that it is at; 0: none.
    claim: AtomicU32,
    /// From when to when the time was kept before, if something was due then; 0 until 0: nothing.
    waited: [AtomicI64; 2],
    /// When the database is due next, by the settings of this hash.
    next_start: AtomicI64,
    timetable: AtomicU64,
    /// What the worker failed with: the SQLSTATE, 0 where it could not say, and the text.
    sqlstate: AtomicI32,
    error: Words<ERROR_WORDS>,
    /// The run that it is at.
    place: Place,
}

const FREE: u32 = 0;
/// The launcher has started a worker, which has not begun yet.
const ASSIGNED: u32 = 1;
const RUNNING: u32 = 2;
const SUCCEEDED: u32 = 3;
const FAILED: u32 = 4;
const YIELDED: u32 = 5;
const TURN_OVER: u32 = 6;
const RUN_LOST: u32 = 7;
const LOCKED_OUT: u32 = 8;
const NOT_INSTALLED: u32 = 9;
const NOT_CONNECTED: u32 = 10;

/// How a database worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It did what was due; the next is due then, by settings of this hash. Or the database is listed by its name and has not
    /// got the extension, for which it is looked again then.
    Succeeded {
        next_start: i64,
        timetable: u64,
        is_installed: bool,
    },
    /// By an ERROR, or before it began.
    Failed,
    /// By a FATAL error before it was connected: the database may have been closed, or dropped, at that moment.
    NotConnected,
    /// It made way for a session that wants the database for itself, or somebody has terminated it.
    Yielded,
    /// Somebody has locked the extension's relations, or waits to.
    LockedOut,
    /// It made place for another database's, and has more to do.
    TurnOver,
    /// In the middle of a run, by that table's own doing: the run is among those that are lost.
    RunLost,
}

/// What a database worker is started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    seat: usize,
    number: u32,
}

impl Ticket {
    /// As a worker's argument.
    pub fn to_argument(self) -> u64 {
        u64::from(self.number) << 32 | self.seat as u64
    }

    pub fn from_argument(argument: u64) -> Ticket {
        Ticket {
            seat: number::size(argument & u64::from(u32::MAX)),
            number: (argument >> 32) as u32,
        }
    }
}

thread_local! {
    /// The seat of this process, a database worker.
    static MINE: Cell<Option<&'static Seat>> = const { Cell::new(None) };

    static IS_CONNECTED: Cell<bool> = const { Cell::new(false) };
}

/// The board; `None` where the library was not preloaded.
pub fn board() -> Option<&'static Board> {
    BOARD.get()
}

impl Board {
    /// The launcher's process id, if there is one.
    pub fn launcher(&self) -> Option<i32> {
        Some(self.launcher.load(Ordering::Acquire)).filter(|pid| *pid != 0)
    }

    /// This process is the launcher from now on.
    pub fn begin_launcher(&self) {
        self.launcher.store(pg::my_pid(), Ordering::Release);
        pg::at_exit(|| {
            if let Some(board) = board() {
                board.launcher.store(0, Ordering::Release);
            }
        });
    }

    fn wake_launcher(&self) {
        if let Some(pid) = self.launcher() {
            pg::wake(pid);
        }
    }

    /// The launcher keeps the time by new settings.
    pub fn set_since(&self, since: i64, zone: &str) {
        self.zone.write(from_text(zone));
        self.since.store(since, Ordering::Release);
    }

    pub fn since(&self) -> i64 {
        self.since.load(Ordering::Acquire)
    }

    /// The zone in which cron expressions are meant, by its name.
    pub fn zone(&self) -> String {
        to_text(self.zone.read())
    }

    /// The launcher finds no background worker free, or one again.
    pub fn set_shortage(&self, since: Option<i64>) {
        self.shortage.store(since.unwrap_or(0), Ordering::Release);
    }

    /// Since when no background worker is free.
    pub fn shortage(&self) -> Option<i64> {
        Some(self.shortage.load(Ordering::Acquire)).filter(|since| *since != 0)
    }

    /// The launcher finds a setting that was refused, or none any more.
    pub fn set_refused(&self, setting: Option<&str>) {
        self.refused.write(from_text(setting.unwrap_or_default()));
    }

    /// A setting that was refused.
    pub fn refused(&self) -> Option<String> {
        Some(to_text(self.refused.read())).filter(|setting| !setting.is_empty())
    }

    /// The clock was ahead, and has shown this instant.
    pub fn note_set_back(&self, instant: i64) {
        self.set_back.fetch_max(instant, Ordering::AcqRel);
    }

    /// The instant that the clock has shown before it was set back, as long as that lies in the future.
    pub fn set_back(&self) -> Option<i64> {
        Some(self.set_back.load(Ordering::Acquire)).filter(|instant| *instant > pg::now())
    }

    /// How often a policy has changed, anywhere.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// The policies of a database have changed, and are committed.
    pub fn report_change(&self, database: pg_sys::Oid) {
        self.count_change();
        let database = u32::from(database);
        let noted = self.changed.iter().any(|changed| {
            changed
                .compare_exchange(0, database, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
                || changed.load(Ordering::Acquire) == database
        });
        if !noted {
            self.all_changed.store(true, Ordering::Release);
        }
        self.wake_launcher();
    }

    /// What is known of policies is out of date.
    pub fn count_change(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// The databases whose policies have changed since the last call; `None`: any may be among them.
    pub fn take_changed(&self) -> Option<Vec<pg_sys::Oid>> {
        let databases = self
            .changed
            .iter()
            .map(|changed| changed.swap(0, Ordering::AcqRel))
            .filter(|database| *database != 0)
            .map(pg_sys::Oid::from)
            .collect();
        if self.all_changed.swap(false, Ordering::AcqRel) {
            return None;
        }
        Some(databases)
    }

    /// The workers that an earlier launcher, which has ended, has left, also those that have ended since: what they have come
    /// to is still to be taken in. Those that it started and that have not begun will not begin any more.
    pub fn adopt(&self) -> Vec<(Ticket, pg_sys::Oid, bool)> {
        let mut adopted = Vec::new();
        for (index, seat) in self.seats.iter().enumerate() {
            let freed =
                seat.state
                    .compare_exchange(ASSIGNED, FREE, Ordering::AcqRel, Ordering::Acquire);
            if freed.is_err_and(|state| state != FREE) {
                let ticket = Ticket {
                    seat: index,
                    number: seat.ticket.load(Ordering::Acquire),
                };
                let database = seat.database.load(Ordering::Acquire);
                let is_helper = seat.is_helper.load(Ordering::Acquire);
                adopted.push((ticket, database.into(), is_helper));
            }
        }
        adopted
    }

    /// A seat for a worker that the launcher is about to start; `None` if all are taken.
    pub fn assign(
        &self,
        database: pg_sys::Oid,
        is_helper: bool,
        waited: Option<Period>,
    ) -> Option<Ticket> {
        let (index, seat) = self
            .seats
            .iter()
            .enumerate()
            .find(|(_, seat)| seat.state.load(Ordering::Acquire) == FREE)?;
        let number = seat.ticket.load(Ordering::Acquire).wrapping_add(1);
        seat.ticket.store(number, Ordering::Release);
        seat.sqlstate.store(0, Ordering::Release);
        seat.error.write([0; ERROR_WORDS]);
        seat.place.set_turn_over(false);
        seat.is_helper.store(is_helper, Ordering::Release);
        seat.claim.store(0, Ordering::Release);
        let (from, until) = waited.unwrap_or_default();
        seat.waited[0].store(from, Ordering::Release);
        seat.waited[1].store(until, Ordering::Release);
        seat.database.store(database.into(), Ordering::Release);
        seat.state.store(ASSIGNED, Ordering::Release);
        Some(Ticket {
            seat: index,
            number,
        })
    }

    /// How the worker ended, if its seat says so; `gone`: its process is known to have ended.
    pub fn ending(&self, ticket: Ticket, gone: bool) -> Option<Ending> {
        let seat = &self.seats[ticket.seat];
        match seat.state.load(Ordering::Acquire) {
            state @ (SUCCEEDED | NOT_INSTALLED) => Some(Ending::Succeeded {
                is_installed: state == SUCCEEDED,
                next_start: seat.next_start.load(Ordering::Acquire),
                timetable: seat.timetable.load(Ordering::Acquire),
            }),
            YIELDED => Some(Ending::Yielded),
            LOCKED_OUT => Some(Ending::LockedOut),
            TURN_OVER => Some(Ending::TurnOver),
            RUN_LOST => Some(Ending::RunLost),
            FAILED => Some(Ending::Failed),
            NOT_CONNECTED => Some(Ending::NotConnected),
            _ => gone.then_some(Ending::Failed),
        }
    }

    /// When the process of a worker last ended in the middle of a turn of this table: that was its turn, though the run has not
    /// ended.
    pub fn lost_turn(&self, database: pg_sys::Oid, table: pg_sys::Oid) -> Option<i64> {
        self.lost_turns.last(database.into(), table.into())
    }

    /// A turn of a table in this database has ended before its run, of which nothing is noted.
    pub fn note_lost_turn(&self, table: pg_sys::Oid) {
        let database = pg::my_database();
        self.lost_turns
            .add(database.into(), table.into(), pg::now());
    }

    /// The run that a worker is at, if it has begun and not ended.
    pub fn place(&self, ticket: Ticket) -> Option<&Place> {
        let seat = &self.seats[ticket.seat];
        (seat.state.load(Ordering::Acquire) == RUNNING).then_some(&seat.place)
    }

    /// The places whose processes are deaf.
    pub fn deaf(&self) -> impl Iterator<Item = &Place> {
        let running = |seat: &&Seat| seat.state.load(Ordering::Acquire) == RUNNING;
        let places = self.seats.iter().filter(running).map(|seat| &seat.place);
        places.filter(|place| place.is_deaf())
    }

    /// Those for whom a process acts that is deaf.
    pub fn owners_of_deaf(&self) -> Vec<pg_sys::Oid> {
        self.deaf().filter_map(Place::owner).collect()
    }

    /// Whether that process is a worker that is deaf.
    pub fn is_deaf(&self, pid: i32) -> bool {
        self.deaf().any(|place| place.pid() == pid)
    }

    /// When a worker last looked at its tables, also if it has ended since.
    pub fn looked(&self, ticket: Ticket) -> i64 {
        let view = self.seats[ticket.seat].place.view();
        view.map_or(i64::MIN, |(looked, _)| looked)
    }

    /// Asks the run of a table to end, if the worker is at it; whether it is.
    pub fn request_stop(&self, database: pg_sys::Oid, table: pg_sys::Oid, reason: Reason) -> bool {
        self.seats.iter().any(|seat| {
            seat.state.load(Ordering::Acquire) == RUNNING
                && seat.database.load(Ordering::Acquire) == u32::from(database)
                && seat.place.request(Some(table), reason)
        })
    }

    /// Asks a worker to make place for another database's.
    pub fn end_turn(&self, ticket: Ticket) {
        self.seats[ticket.seat].place.set_turn_over(true);
    }

    /// What a worker that failed has said of it; `None` where it could not.
    pub fn error(&self, ticket: Ticket) -> Option<String> {
        let seat = &self.seats[ticket.seat];
        let sqlstate = seat.sqlstate.load(Ordering::Acquire);
        (sqlstate != 0).then(|| {
            let sqlstate = pg::sqlstate_text(PgSqlErrorCode::from(sqlstate as isize));
            format!("{sqlstate}: {}", to_text(seat.error.read()))
        })
    }

    /// The launcher needs the seat no longer.
    pub fn free(&self, ticket: Ticket) {
        self.seats[ticket.seat].state.store(FREE, Ordering::Release);
    }

    /// This process takes its seat; the database that it is for, or `None` if it comes too late.
    pub fn take_seat(&'static self, ticket: Ticket) -> Option<pg_sys::Oid> {
        let seat = self.seats.get(ticket.seat)?;
        if seat.ticket.load(Ordering::Acquire) != ticket.number {
            return None;
        }
        seat.state
            .compare_exchange(ASSIGNED, RUNNING, Ordering::AcqRel, Ordering::Acquire)
            .ok()?;
        seat.place.take();
        MINE.set(Some(seat));
        pg::note_fatal(|fatal| {
            if lost_runs::note_fatal(fatal) {
                note_error(fatal.sqlstate, fatal.message);
            }
        });
        pg::at_exit(leave_seat_with_process);
        Some(seat.database.load(Ordering::Acquire).into())
    }
}

/// From when to when the time was kept before, if this worker's database was due then and nobody came.
pub fn waited() -> Option<Period> {
    let [from, until] = &MINE.get()?.waited;
    let until = until.load(Ordering::Acquire);
    (until != 0).then(|| (from.load(Ordering::Acquire), until))
}

/// Whether another worker was in the database when this one was started.
pub fn is_helper() -> bool {
    MINE.get()
        .is_some_and(|seat| seat.is_helper.load(Ordering::Acquire))
}

/// Whether this database worker is to make place for another database's.
pub fn turn_is_over() -> bool {
    MINE.get().is_some_and(|seat| seat.place.turn_is_over())
}

/// This database worker will end with this error.
pub fn note_error(sqlstate: PgSqlErrorCode, message: &str) {
    if let Some(seat) = MINE.get() {
        seat.sqlstate.store(sqlstate as i32, Ordering::Release);
        seat.error.write(from_text(message));
    }
}

/// The process of this database worker ends before the worker's work does.
fn leave_seat_with_process() {
    let (Some(seat), Some(board)) = (MINE.get(), board()) else {
        return;
    };
    let database = seat.database.load(Ordering::Acquire);
    let run = seat.place.under_way();
    if let Some(run) = run {
        board.lost_turns.add(database, run.table, pg::now());
    }
    leave_seat(match run {
        _ if lost_runs::is_terminated() => Ending::Yielded,
        None if !IS_CONNECTED.get() => Ending::NotConnected,
        None => Ending::Failed,
        Some(run) => {
            let cause = lost_runs::cause(stop_request::canceled(), seat.error.read());
            // What a table's owner's code has raised is for who may read the table: nobody is told it as the database's error.
            seat.sqlstate.store(0, Ordering::Release);
            match board.lost_runs.add(database, run, cause) {
                true => Ending::RunLost,
                false => Ending::Failed,
            }
        }
    });
}

/// This database worker is connected.
pub fn note_connected() {
    IS_CONNECTED.set(true);
}

/// Whether this process is a database worker.
pub fn is_worker() -> bool {
    MINE.get().is_some()
}

/// This database worker ends; what it says first counts.
pub fn leave_seat(ending: Ending) {
    let Some(seat) = MINE.take() else { return };
    let board = board();
    if let (Some(board), true) = (board, seat.claim.load(Ordering::Acquire) != 0) {
        board.released.fetch_add(1, Ordering::AcqRel);
    }
    let state = match ending {
        Ending::Succeeded {
            next_start,
            timetable,
            is_installed,
        } => {
            seat.next_start.store(next_start, Ordering::Release);
            seat.timetable.store(timetable, Ordering::Release);
            match is_installed {
                true => SUCCEEDED,
                false => NOT_INSTALLED,
            }
        }
        Ending::Failed => FAILED,
        Ending::NotConnected => NOT_CONNECTED,
        Ending::Yielded => YIELDED,
        Ending::LockedOut => LOCKED_OUT,
        Ending::TurnOver => TURN_OVER,
        Ending::RunLost => RUN_LOST,
    };
    seat.state.store(state, Ordering::Release);
    if let Some(board) = board {
        board.wake_launcher();
    }
}
