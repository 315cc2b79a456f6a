//! The progress of a call as NOTICEs to its client, where the setting `progress_interval` asks for them.

use super::{Phase, Progress, Waiting, phase_name};
use crate::pg;
use crate::settings;
use logic::measure::in_words;
use pgrx::pg_sys;
use std::cell::Cell;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

thread_local! {
    /// When the client last heard something, or the call began.
    static TOLD: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// A call begins, or a clearing that has no client.
pub(super) fn begin(has_client: bool) {
    TOLD.set(has_client.then(Instant::now));
}

/// Tells how far it is, if the last time is long enough ago.
pub(super) fn update(table: pg_sys::Oid, progress: &Progress, elapsed: Duration) {
    let (Some(interval), Some(told)) = (settings::progress_interval(), TOLD.get()) else {
        return;
    };
    if told.elapsed() >= interval {
        TOLD.set(Some(Instant::now()));
        pg::notice(&text(table, progress, elapsed), None, None);
    }
}

/// Tells at once that there will be nothing to tell: one statement clears the table.
pub(super) fn one_statement(table: pg_sys::Oid) {
    if settings::progress_interval().is_some() && TOLD.get().is_some() {
        let message = format!(
            "table \"{}\": {}",
            pg::relation_name(table),
            phase_name(Phase::DeletingBySql)
        );
        pg::notice(
            &message,
            Some("One statement deletes all rows, and cannot tell how far it is."),
            None,
        );
    }
}

fn text(table: pg_sys::Oid, progress: &Progress, elapsed: Duration) -> String {
    let name = pg::relation_name;
    let mut text = format!("table \"{}\": ", name(table));
    if let Some(leaf) = progress.leaf.filter(|leaf| *leaf != table) {
        let _ = write!(text, "in \"{}\", ", name(leaf));
    }
    text.push_str(phase_name(progress.phase));
    if let Some(percent) = progress.percent() {
        let _ = write!(text, ", {percent:.1} % of {} blocks", progress.blocks_total);
    }
    let rows = if progress.deleted == 1 { "row" } else { "rows" };
    let _ = write!(text, ", {} {rows} deleted", progress.deleted);
    if progress.skipped > 0 {
        let _ = write!(text, ", {} skipped", progress.skipped);
    }
    if progress.waiting == Some(Waiting::Replication) {
        text.push_str(", waiting for a replica");
    }
    if let Some(left) = progress.time_left(elapsed).filter(|left| !left.is_zero()) {
        let _ = write!(text, ", about {} left", in_words(left));
    }
    text
}
