//! Recoveries to a point in time. After one, somebody may have come back for what the worker would delete at once: it waits
//! until it is told to go on.
//!
//! The settings of a recovery stay in postgresql.conf when it is over; the history of the timelines says what has happened.
//! Its lines are `parent <TAB> LSN <TAB> reason`, each for the timeline that began there (access/transam/timeline.c).

use crate::pg;

/// What the history says of a recovery without a target: of the promotion of a standby, too (access/transam/xlogrecovery.c).
const NO_TARGET: &str = "no recovery target specified";

/// The last recovery to a point in time in the history of this server: which timeline it began, where, and at what point it
/// ended. `None` where there was none, and on a standby.
pub fn last() -> Option<String> {
    let timeline = pg::timeline()?;
    let history = std::fs::read_to_string(format!("pg_wal/{timeline:08X}.history")).ok()?;
    last_in(&history, timeline)
}

fn last_in(history: &str, timeline: u32) -> Option<String> {
    let mut child = timeline;
    for line in history.lines().rev() {
        let mut fields = line.trim().splitn(3, '\t');
        let (Some(parent), Some(lsn), Some(reason)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let Ok(parent) = parent.parse() else { continue };
        if reason.trim() != NO_TARGET {
            return Some(format!("timeline {child} from {lsn}, {}", reason.trim()));
        }
        child = parent;
    }
    None
}
