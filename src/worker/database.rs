//! A database worker: connects to one database, clears what is due there, says when something is due next, and ends.

use super::board::{Ending, Ticket, board, leave_seat, note_error};
use super::clearing::{After, clear};
use super::schedule::Schedule;
use super::{history, host, own_settings, policy};
use crate::pg::{self, Zone};
use crate::refusal::Refusal;
use crate::settings;
use pgrx::prelude::PgSqlErrorCode;

/// The life of a database worker. An ERROR that is not a table's ends it, is in the log and on the board; the launcher
/// tries again later.
pub fn main(argument: u64) {
    let Some(board) = board() else { return };
    let Some(database) = board.take_seat(Ticket::from_argument(argument)) else {
        return;
    };
    pg::connect(database);
    own_settings::apply();
    host::apply_settings();
    let ending = pg::catch(|| Ok(work())).unwrap_or_else(|refusal| {
        report_error(&refusal, "automatic clearing of");
        let sqlstate = pg::sqlstate_text(refusal.sqlstate());
        note_error(&format!("{sqlstate}: {}", refusal.message()));
        Ending::Failed
    });
    pg::report_activity(None);
    pg::report_statistics();
    leave_seat(ending);
}

/// Writes an error that is no table's to the log, with what the worker was about and in which database.
fn report_error(refusal: &Refusal, doing: &str) {
    pg::begin();
    let database = pg::my_database_name();
    pg::commit();
    pg::log_error(refusal, &format!("{doing} database \"{database}\""));
}

/// Does something that the clearing of tables does not depend on; what goes wrong with it is in the log, and has no other
/// effect.
fn try_to(doing: &str, action: impl FnOnce()) {
    let outcome = pg::catch(|| {
        action();
        Ok(())
    });
    if let Err(refusal) = outcome {
        report_error(&refusal, doing);
    }
}

/// The extension's schema here. ERROR where the extension is there, and its tables are not, or not a superuser's.
fn installed() -> Option<String> {
    pg::begin();
    let schema = pg::extension_schema().map(|(schema, _)| schema);
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
    pg::extension_schema().is_some_and(|(there, _)| there == schema)
}

fn work() -> Ending {
    let Some(schema) = installed() else {
        return succeeded(general_next_start());
    };
    try_to("closing interrupted runs in", || {
        if begin_in(&schema) {
            history::close_interrupted(&schema);
        }
        pg::commit();
    });
    try_to("removing policies of dropped tables in", || {
        if begin_in(&schema) {
            policy::remove_orphans(&schema);
        }
        pg::commit();
    });
    let ending = clear_all(&schema);
    if !matches!(ending, Ending::Yielded) {
        try_to("removing old runs from the history in", || forget(&schema));
    }
    ending
}

/// Clears what is due until nothing is. The table that has been due for longest comes first, and a run's budget ends
/// it, so that none keeps the others waiting for ever.
fn clear_all(schema: &str) -> Ending {
    loop {
        if !begin_in(schema) {
            pg::commit();
            break;
        }
        let wanted = pg::database_is_wanted();
        let due = policy::due(schema);
        pg::commit();
        if wanted {
            return Ending::Yielded;
        }
        let Some(first) = due.first() else { break };
        if first.next_start > pg::now() || settings::paused() {
            return succeeded(first.next_start.min(general_next_start()));
        }
        if clear(schema, first) == After::Yield {
            return Ending::Yielded;
        }
        if pg::reload_if_asked() {
            host::apply_settings();
        }
    }
    succeeded(general_next_start())
}

fn succeeded(next_start: i64) -> Ending {
    Ending::Succeeded {
        next_start,
        timetable: settings::timetable_hash(),
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

/// Removes old rows from the history, in batches.
fn forget(schema: &str) {
    loop {
        let more = begin_in(schema) && history::remove_old(schema);
        pg::commit();
        if !more {
            return;
        }
        pg::wait(Some(std::time::Duration::ZERO));
    }
}
