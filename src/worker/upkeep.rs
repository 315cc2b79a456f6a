//! What is done once for a database, and not for each table: runs to close, policies of dropped tables and old runs to remove.
//!
//! The worker that came when there was none does it: when it begins, when it ends, and every now and then in between, because
//! whoever has slow tables can keep it from ending. Where it has left, each of those that are there.

use super::board::{board, is_helper, turn_is_over};
use super::clock_step;
use super::database::{begin_in, try_to};
use super::turns::close_unscheduled;
use super::{history, lost_runs, policy, replaced};
use crate::pg;
use logic::turns::TURN;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// After which time it is done again, or later: it may take a twentieth of the time.
const AGAIN: Duration = Duration::from_secs(10);

thread_local! {
    /// When this worker is to do it again; `None`: it has not begun.
    static NEXT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Whether this worker is to do it.
fn is_ours() -> bool {
    !is_helper() || board().is_some_and(|board| !board.has_first_worker())
}

/// Whether it is time to do it again.
pub fn is_due() -> bool {
    NEXT.get().is_some_and(|next| Instant::now() >= next) && is_ours()
}

/// Before the first table.
pub fn begin(schema: &str) {
    let began = Instant::now();
    record_lost_runs(schema);
    if is_ours() {
        tidy_up(schema);
    }
    set_next(began);
}

/// Between two looks at what is due.
pub fn go_on(schema: &str) {
    let began = Instant::now();
    record_lost_runs(schema);
    tidy_up(schema);
    try_to("closing runs in", || close_unscheduled(schema));
    forget(schema, || began.elapsed() >= TURN || turn_is_over());
    set_next(began);
}

/// After the last table; `in_haste`: somebody wants the database for himself.
pub fn end(schema: &str, in_haste: bool) {
    if is_helper() {
        return;
    }
    try_to("closing runs in", || close_unscheduled(schema));
    if !in_haste {
        // After a turn that is over, one batch.
        forget(schema, turn_is_over);
    }
}

fn set_next(began: Instant) {
    NEXT.set(Some(Instant::now() + AGAIN.max(20 * began.elapsed())));
}

fn record_lost_runs(schema: &str) {
    try_to("recording a run that ended the worker in", || {
        lost_runs::record(schema);
    });
}

fn tidy_up(schema: &str) {
    try_to("closing interrupted runs in", || {
        if begin_in(schema) {
            history::close_interrupted(schema);
            if let (Some(instant), Some(board)) = (history::pull_back(schema), board()) {
                board.note_set_back(instant);
            }
        }
        pg::commit();
    });
    try_to("removing policies of dropped tables in", || {
        if begin_in(schema) {
            let waiting = replaced::follow(schema);
            policy::remove_orphans(schema, &waiting);
        }
        pg::commit();
    });
}

/// Removes old rows from the history, in batches: one, and more until it is time to stop.
fn forget(schema: &str, is_enough: impl Fn() -> bool) {
    if clock_step::ahead().is_some() {
        // None of them may be old.
        return;
    }
    try_to("removing old runs from the history in", || {
        loop {
            let more = begin_in(schema) && history::remove_old(schema);
            pg::commit();
            if !more || is_enough() {
                return;
            }
            pg::wait(Some(Duration::ZERO));
        }
    });
}
