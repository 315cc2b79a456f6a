//! A slice of a run that goes on in many sessions: on a node of a Citus cluster, of a shard, for the run on its coordinator.

use super::batches::{Ended, Start, run_from};
use super::{Host, Limits, Stop};
use crate::engine::shards::{Order, Report, Taken};
use crate::pg::{self, NonatomicCall};
use crate::progress::{self, Shown};
use crate::refusal::Refusal;
use crate::table::{Rule, table_oid};
use logic::number;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;
use std::time::Duration;

/// By how much the clock of who sends an order may be ahead of the one here.
const AHEAD: Duration = Duration::from_secs(600);

/// How often it is looked whether who has sent an order is still there.
const CLIENT_CHECK: Duration = Duration::from_secs(1);

/// Carries out an order. Refuses (25001) a call that cannot commit, and (22023) what is no order.
pub fn clear_slice(
    shard: Option<pg_sys::Oid>,
    order: &str,
    call: Option<NonatomicCall>,
) -> Result<Report, Refusal> {
    let mut call = call.ok_or_else(|| {
        Refusal::new(
            PgSqlErrorCode::ERRCODE_ACTIVE_SQL_TRANSACTION,
            "raw_clear_sessions.clear_shard cannot run inside a transaction block",
        )
    })?;
    let order: Order = serde_json::from_str(order).map_err(|error| invalid(&error.to_string()))?;
    if order.now > pg::now().saturating_add(number::microseconds(AHEAD)) {
        return Err(invalid(
            "the clock that it goes by is far ahead of this server's",
        ));
    }
    let shard = table_oid(shard)?;
    let taken = Taken::take(&order.settings)
        .map_err(|name| invalid(&format!("\"{name}\" is no setting that it may set")))?;
    let has_committed = taken.has_set() || pg::keeps_its_snapshot();
    if has_committed {
        // A rollback takes back what has been set since the last commit; the snapshot is older than the lock on the table.
        call.commit();
    }
    let _client_check = taken
        .has_set()
        .then(|| pg::end_without_client(CLIENT_CHECK));
    let _shown = Shown::to_client(shard);
    let before = pg::buffer_cost();
    let mut host = Slice {
        call,
        rule: order.rule(),
        limits: limits(&order),
        time: Duration::from_micros(order.max_duration),
        until_cost: order.max_cost.map(|cost| before.saturating_add(cost)),
    };
    let start = Start {
        now: order.now,
        place: order.place.unwrap_or_default(),
    };
    let ended = pg::record_error(
        &mut host,
        |host| run_from(shard, host, Some(start)),
        |host, _| {
            if has_committed {
                host.call.roll_back();
                taken.give_back();
                host.call.commit();
            }
        },
    )?;
    taken.give_back();
    Ok(report(ended, pg::buffer_cost().saturating_sub(before)))
}

fn invalid(why: &str) -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("invalid order: {why}"),
    )
    .hint("This procedure is called by raw_clear_sessions_in_batches() on a Citus coordinator, and by nobody else.")
}

/// Without a pace: who has sent the order sleeps for it. Without a limit of time, until something has been done.
fn limits(order: &Order) -> Limits {
    Limits {
        batch_size: order.batch_size.max(1),
        max_rows: Some(order.max_rows),
        max_duration: None,
        cost_delay: Duration::ZERO,
        cost_limit: 0,
        max_replication_lag: None,
        lock_timeout: Duration::from_millis(order.lock_timeout),
    }
}

fn report(ended: Ended, cost: u64) -> Report {
    let progress = progress::last();
    let blocks = |blocks: u64| u32::try_from(blocks).unwrap_or(u32::MAX);
    Report {
        deleted: ended.outcome.deleted,
        skipped: ended.outcome.skipped,
        batches: ended.outcome.batches,
        cost,
        finished: ended.outcome.stop.is_at_the_end(),
        blocks: (blocks(progress.blocks_done), blocks(progress.blocks_total)),
        place: ended.place,
        left_out: ended.failure.map(|refusal| refusal.message().to_owned()),
    }
}

/// The host of a slice.
struct Slice {
    call: NonatomicCall,
    rule: Rule,
    limits: Limits,
    time: Duration,
    /// What this process has cost when the slice has cost enough.
    until_cost: Option<u64>,
}

/// Whether the slice has come to anything: what is not done yet would be asked for once more, without end.
fn has_begun() -> bool {
    let done = progress::last();
    done.deleted > 0 || done.blocks_done > 0
}

impl Host for Slice {
    fn limits(&mut self) -> Limits {
        Limits {
            max_duration: has_begun().then_some(self.time),
            ..self.limits.clone()
        }
    }

    fn rule(&mut self) -> Rule {
        self.rule.clone()
    }

    fn wants_stop(&mut self) -> Option<Stop> {
        let is_enough = self
            .until_cost
            .is_some_and(|enough| pg::buffer_cost() >= enough);
        (is_enough && has_begun()).then_some(Stop::MaxDuration)
    }

    /// What the order's sender hears of is on the disk here; a synchronous standby is not waited for, nor by the worker.
    fn next_transaction(&mut self, durable: bool, _sleep: Duration) {
        self.call.commit();
        if durable {
            pg::flush_commits();
        }
        pg::reload_if_asked();
    }

    fn roll_back(&mut self) {
        self.call.roll_back();
    }
}
