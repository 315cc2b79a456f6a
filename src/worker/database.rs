//! A database worker: connects to one database, clears what is due there, says when something is due next, and ends.

use super::board::{Board, Ending, Ticket, board, leave_seat};
use super::clearing::{After, clear};
use super::schedule::Schedule;
use super::{history, host, policy};
use crate::pg::{self, Zone};
use crate::settings;

/// The life of a database worker. An ERROR that is not a table's ends it, and is in the log; the launcher tries again
/// later.
pub fn main(argument: u64) {
    let Some(board) = board() else { return };
    let Some(database) = board.take_seat(Ticket::from_argument(argument)) else {
        return;
    };
    pg::connect(database);
    pg::set_for_session(c"search_path", c"pg_catalog, pg_temp");
    pg::set_for_session(c"default_transaction_isolation", c"read committed");
    host::apply_settings();
    let ending = work();
    pg::report_activity(None);
    pg::report_statistics();
    leave_seat(ending);
}

/// The extension's schema here.
fn installed() -> Option<String> {
    pg::begin();
    let schema = pg::extension_schema().map(|(schema, _)| schema);
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
    if begin_in(&schema) {
        history::close_interrupted(&schema);
        policy::remove_orphans(&schema);
        if let (Some(instant), Some(board)) = (history::pull_back(&schema), board()) {
            board.note_set_back(instant);
        }
    }
    pg::commit();
    let ending = clear_all(&schema);
    history::flush(&schema, true);
    if !matches!(ending, Ending::Yielded) {
        forget(&schema);
    }
    ending
}

/// Clears what is due until nothing is, pass by pass: what is due is looked up once for all of a pass. The table that has
/// been due for longest comes first, and a run's budget ends it, so that none keeps the others waiting for ever.
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
        let now = pg::now();
        if first.next_start > now || settings::paused() {
            return succeeded(first.next_start.min(general_next_start()));
        }
        let changes = board().map(Board::changes);
        for table in due.iter().take_while(|due| due.next_start <= now) {
            if clear(schema, table) == After::Yield {
                return Ending::Yielded;
            }
            history::flush(schema, false);
            let reloaded = pg::reload_if_asked();
            if reloaded {
                host::apply_settings();
            }
            // What is due may be something else now.
            if reloaded || settings::paused() || board().map(Board::changes) != changes {
                break;
            }
        }
        history::flush(schema, true);
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
