//! A database worker: connects to one database, clears what is due there, says when something is due next, and ends.
//!
//! Others may be at work in the same database. Which of them is at which table, the board says; what is done once for the
//! database, and not for each table, [`upkeep`] does.

use super::board::{
    Board, Ending, Ticket, board, leave_seat, note_connected, note_error, turn_is_over,
};
use super::clearing::{After, clear};
use super::clock_step;
use super::failures::Kind;
use super::policy::Due;
use super::turns::{Look, Turns};
use super::{history, host, limits, own_settings, policy, state, stop_request, upkeep};
use crate::pg::{self, Zone};
use crate::refusal::Refusal;
use crate::settings::{self, Limits};
use logic::backoff;
use logic::names::Databases;
use logic::number;
use logic::schedule::Schedule;
use logic::turns::TURN;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;
use std::cell::Cell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The life of a database worker. An ERROR that is not a table's ends it, is in the log and on the board; the launcher
/// tries again later.
pub fn main(argument: u64) {
    let Some(board) = board() else { return };
    let Some(database) = board.take_seat(Ticket::from_argument(argument)) else {
        return;
    };
    let limits = Limits::by_settings().in_numbers();
    let connected = pg::catch(|| {
        pg::connect(database, PATIENCE);
        Ok(())
    });
    if let Err(refusal) = connected {
        leave_seat(not_connected(database, refusal));
        return;
    }
    note_connected();
    limits::note_connected(limits);
    let _aside = pg::MemoryAside::set();
    own_settings::apply();
    host::apply_settings();
    let ending = pg::catch(|| Ok(work())).unwrap_or_else(|refusal| match take_locked_out() {
        true => relations_locked(&refusal),
        false => {
            report_error(&refusal, "automatic clearing of");
            Ending::Failed
        }
    });
    pg::report_activity(None);
    pg::report_statistics();
    leave_seat(ending);
}

/// The worker ends because it could not connect: others have the database locked, or wait for that.
fn not_connected(database: pg_sys::Oid, refusal: Refusal) -> Ending {
    if refusal.sqlstate() != PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE {
        refusal.raise();
    }
    let refusal = Refusal::new(
        PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE,
        "the worker could not connect: others have locked the database or its catalogs, or wait for that",
    );
    let doing = format!(
        "connecting to the database with OID {}",
        u32::from(database)
    );
    locked_out(database, &refusal, |refusal| pg::log_error(refusal, &doing))
}

/// Writes an error that is no table's to the log and to the board, with what the worker was about and in which database.
fn report_error(refusal: &Refusal, doing: &str) {
    pg::begin();
    let database = pg::my_database_name();
    pg::commit();
    pg::log_error(refusal, &format!("{doing} database \"{database}\""));
    note_error(refusal.sqlstate(), refusal.message());
}

/// Does something that the clearing of tables does not depend on; what goes wrong with it is in the log, and has no other
/// effect.
pub(super) fn try_to(doing: &str, action: impl FnOnce()) {
    let outcome = pg::catch(|| {
        action();
        Ok(())
    });
    match outcome {
        // If they still are, the next transaction that is needed finds that out.
        Err(_) if take_locked_out() => {}
        Err(refusal) => report_error(&refusal, doing),
        Ok(()) => {}
    }
}

/// The worker ends because the extension's relations are locked.
fn relations_locked(refusal: &Refusal) -> Ending {
    locked_out(pg::my_database(), refusal, |refusal| {
        report_error(refusal, "automatic clearing of");
    })
}

/// The worker ends because of others' locks. In the log once, and not each time that it is tried again.
fn locked_out(database: pg_sys::Oid, refusal: &Refusal, report: impl Fn(&Refusal)) -> Ending {
    let known = board().and_then(|board| board.failures.of(database));
    if !matches!(known, Some((Kind::LockedOut, _))) {
        report(refusal);
    }
    note_error(refusal.sqlstate(), refusal.message());
    Ending::LockedOut
}

/// How long a transaction waits for the locks on the extension's relations, in which it has locked nothing else; and the process
/// for each lock that connecting takes. Any role can have them last: CREATE RULE and CREATE TRIGGER wait for their lock before it
/// is looked whether the role may have it.
const PATIENCE: Duration = Duration::from_secs(1);

thread_local! {
    /// An ERROR has been raised because the extension's relations are locked.
    static IS_LOCKED_OUT: Cell<bool> = const { Cell::new(false) };
}

/// Whether the ERROR that has just been caught says that the extension's relations are locked. No text of an error says so for
/// certain: the owner of a table has his code raise any.
pub(super) fn take_locked_out() -> bool {
    IS_LOCKED_OUT.take()
}

/// Locks the extension's relations, first of all in a transaction, so that no statement on them waits; where they are, and
/// whose. ERROR where the locks do not come.
pub(super) fn lock_own() -> Option<(String, pg_sys::Oid)> {
    // An earlier one may have been caught, and not asked for.
    IS_LOCKED_OUT.set(false);
    pg::extension_schema_within(PATIENCE).unwrap_or_else(|refusal| {
        IS_LOCKED_OUT.set(true);
        refusal.raise()
    })
}

/// The extension's schema here. ERROR where the extension is there, and its tables are not, or not a superuser's.
fn installed() -> Option<String> {
    pg::begin();
    let schema = lock_own().map(|(schema, _)| schema);
    if let Some(own) = pg::Own::find() {
        stop_request::note_own(&own);
    }
    if schema.is_none() && pg::extension_installed(c"raw_clear_sessions") {
        Refusal::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "the tables of extension \"raw_clear_sessions\" do not belong to the extension, or not to a superuser",
        )
        .raise();
    }
    pg::commit();
    schema
}

/// Begins a transaction, and says whether the extension is still there in that schema.
pub(super) fn begin_in(schema: &str) -> bool {
    pg::begin();
    lock_own().is_some_and(|(there, _)| there == schema)
}

fn work() -> Ending {
    let look = Look::begin();
    let Some(schema) = installed() else {
        let may_lack_it = !matches!(settings::databases(), Databases::Listed(_));
        return succeeded(general_next_start(), look, may_lack_it);
    };
    upkeep::begin(&schema);
    let ending = clear_in_turns(&schema, &mut Turns::default());
    // What is left to do would wait for the same locks.
    if ending != Ending::LockedOut {
        try_to("counting runs in", || {
            history::flush(&schema, true);
        });
        upkeep::end(&schema, matches!(ending, Ending::Yielded));
    }
    ending
}

/// Tables that are left alone for a while, each until its instant: their runs cannot be recorded, or somebody else is at them.
/// The others go on.
#[derive(Default)]
struct Avoided(HashMap<pg_sys::Oid, Instant>);

impl Avoided {
    fn add(&mut self, tables: Vec<pg_sys::Oid>, time: Duration) {
        let until = Instant::now() + time;
        self.0
            .extend(tables.into_iter().map(|table| (table, until)));
    }

    /// Leaves them out of what is due; after which time the first of them is to be tried again, if there is one.
    fn leave_out(&mut self, due: &mut Vec<Due>) -> Option<Duration> {
        let now = Instant::now();
        self.0.retain(|_, until| *until > now);
        due.retain(|due| !self.0.contains_key(&due.table));
        self.0.values().min().map(|until| *until - now)
    }
}

/// Clears what is due pass by pass: what is due is looked up once for all of a pass. Within it, and from one to the next, the
/// owner who has waited longest for a turn comes first, and a turn ends when others are due, so that none keeps the others
/// waiting for ever.
fn clear_in_turns(schema: &str, turns: &mut Turns) -> Ending {
    let mut avoided = Avoided::default();
    let gone = loop {
        if upkeep::is_due() {
            upkeep::go_on(schema);
        }
        let (began, look) = (Instant::now(), Look::begin());
        let now = look.instant;
        if !begin_in(schema) {
            pg::commit();
            break look;
        }
        let wanted = pg::database_is_wanted();
        let listed = state::is_listed();
        let mut due = policy::due(schema);
        avoided.add(lost_tables(), policy::LOOK_AGAIN);
        let tried_again = avoided.leave_out(&mut due);
        let first = turns.keep_due(schema, &mut due, board().map_or(0, Board::since), look);
        // What is due now this worker begins with, and says then what has to wait.
        stop_request::note_others(if first > now { first } else { i64::MAX }, look);
        if first <= now {
            turns.find_owners(&mut due);
            avoided.add(of_owners_of_deaf(&mut due), policy::LOOK_AGAIN);
        }
        let is_prepared =
            first > now && stop_request::own().is_some_and(|own| pg::is_written_by_prepared(&own));
        pg::commit();
        mark_due(schema, &due, listed);
        if wanted {
            return Ending::Yielded;
        }
        if first > now || state::rests() || !listed {
            // Who looks sooner tries again what is to be left alone for a while, and sees what has been committed.
            let prepared = is_prepared.then_some(policy::LOOK_AGAIN);
            let sooner = tried_again.into_iter().chain(prepared).min();
            let next_look = sooner.map_or_else(general_next_start, |left| {
                now.saturating_add(number::microseconds(left))
            });
            return succeeded(first.min(next_look), look, true);
        }
        let next_look = began + TURN.max(20 * began.elapsed());
        if let Some(ending) = clear_pass(schema, due, look, next_look, turns, &mut avoided) {
            return ending;
        }
        // What cannot be counted stays due: to go on would be to do it again, without end.
        avoided.add(history::flush(schema, true), policy::LOOK_AGAIN);
    };
    succeeded(general_next_start(), gone, true)
}

/// Takes out of what is due the tables of owners for whom a process is deaf: another one would be the next.
fn of_owners_of_deaf(due: &mut Vec<Due>) -> Vec<pg_sys::Oid> {
    let owners = board().map_or(Vec::new(), Board::owners_of_deaf);
    let left_out = due.extract_if(.., |due| owners.contains(&due.owner));
    left_out.map(|due| due.table).collect()
}

/// The tables of runs that have ended their workers and are still to be recorded.
fn lost_tables() -> Vec<pg_sys::Oid> {
    board().map_or(Vec::new(), |board| {
        board.lost_runs.tables(pg::my_database())
    })
}

/// Clears the tables that are due, each once, until none is, or it is time to look again; why the worker is to end, if it is.
fn clear_pass(
    schema: &str,
    mut due: Vec<Due>,
    look: Look,
    next_look: Instant,
    turns: &mut Turns,
    avoided: &mut Avoided,
) -> Option<Ending> {
    let changes = board().map(Board::changes);
    loop {
        let now = pg::now();
        // What the clock has due meanwhile has to be marked as due first.
        let by = |due: &Due| if due.by_clock { look.instant } else { now };
        let index = turns.next(&due, |due| due.next_start <= by(due))?;
        let table = due.swap_remove(index);
        if is_for_another_process(&table) {
            return Some(Ending::TurnOver);
        }
        let Some(claim) = board().and_then(|board| board.claim(table.table)) else {
            continue;
        };
        let started = pg::now();
        let after = pg::catch(|| {
            if look.has_been_overtaken() && !is_still_due(schema, &table) {
                return Ok(After::GoOn);
            }
            let after = clear(schema, &table, turns);
            avoided.add(history::flush(schema, has_company()), policy::LOOK_AGAIN);
            pg::limit_caches();
            Ok(after)
        });
        drop(claim);
        match after {
            Ok(After::GoOn) => {}
            Ok(After::Avoid) => {
                avoided.add(vec![table.table], policy::LOOK_AGAIN);
            }
            Ok(After::Yield) if clock_step::ahead().is_some() => {
                return Some(succeeded(i64::MIN, look, true));
            }
            Ok(After::Yield) => return Some(Ending::Yielded),
            Err(refusal) if take_locked_out() => return Some(relations_locked(&refusal)),
            Err(refusal) => {
                pg::begin();
                let name = pg::full_name(table.table).unwrap_or_default();
                pg::commit();
                report_error(&refusal, &format!("clearing of table {name} in"));
                history::count_failure(table.table, started, &refusal);
                avoided.add(vec![table.table], backoff::delay(1, 0.5));
                return None;
            }
        }
        if turn_is_over() {
            return Some(Ending::TurnOver);
        }
        let reloaded = pg::reload_if_asked();
        if reloaded {
            host::apply_settings();
        }
        // What is due may be something else now.
        let has_changed = board().map(Board::changes) != changes;
        if reloaded || state::rests() || has_changed || Instant::now() >= next_look {
            return None;
        }
    }
}

/// Whether a table's owner is another one than this process has acted for. One whose owner is not known is gone.
fn is_for_another_process(due: &Due) -> bool {
    pg::first_owner().is_some_and(|(owner, _)| owner != due.owner)
        && due.owner != pg_sys::InvalidOid
}

fn has_company() -> bool {
    board().is_some_and(Board::has_company)
}

/// Whether no run of a table has ended since it was looked up, or has ended its worker.
fn is_still_due(schema: &str, due: &Due) -> bool {
    let lost_turn = board().and_then(|board| board.lost_turn(pg::my_database(), due.table));
    if lost_turn != due.lost_turn {
        return false;
    }
    let is_there = begin_in(schema);
    let last_turn = is_there.then(|| policy::last_turn(schema, due.table));
    pg::commit();
    last_turn == Some(due.last_turn)
}

/// Whatever ends this process, what is due stays due.
fn mark_due(schema: &str, due: &[Due], listed: bool) {
    let now = pg::now();
    let unmarked = due
        .iter()
        .filter(|due| due.by_clock && due.next_start <= now);
    let tables: Vec<_> = unmarked.map(|due| due.table).collect();
    if listed && !state::rests() && !tables.is_empty() {
        try_to("marking what is due in", || {
            if begin_in(schema) {
                policy::mark_due(schema, &tables);
            }
            pg::commit();
        });
    }
}

/// What was found out since that look, by the clock. One that was wrong, or still is, has said nothing: then it is looked again at
/// once, or when it is right.
fn succeeded(next_start: i64, look: Look, is_installed: bool) -> Ending {
    let is_known = clock_step::ahead().is_none() && look.instant <= pg::now();
    Ending::Succeeded {
        next_start: if is_known { next_start } else { i64::MIN },
        timetable: settings::timetable_hash(),
        is_installed,
    }
}

/// When to look again at a database even if nothing is due: the extension, a table of the setting `tables`, or a policy
/// from a restored dump may have come.
fn general_next_start() -> i64 {
    let zone = board()
        .and_then(|board| Zone::find(&board.zone()))
        .unwrap_or_else(Zone::of_session);
    Schedule::parse(&settings::schedule())
        .map_or(i64::MAX, |schedule| schedule.next_after(pg::now(), &zone))
}
