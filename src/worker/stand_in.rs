//! Clears in one transaction; stands in for `run::run`.

use crate::engine;
use crate::pg::LockMode;
use crate::refusal::Refusal;
use crate::run::{Host, Outcome, Stop};
use crate::target::{self, Criterion, Rule};
use pgrx::pg_sys;

pub fn run(table: pg_sys::Oid, rule: &Rule, host: &mut dyn Host) -> Result<Outcome, Refusal> {
    let relation = target::open(Some(table), LockMode::RowExclusive)?;
    let criterion = Criterion::resolve(&relation, rule)?;
    target::check_may_read(&relation, &criterion)?;
    target::lock_against_others(&relation)?;
    target::check_plausible(&relation, &criterion)?;
    let plan = target::plan(&relation, &criterion, LockMode::RowExclusive);
    let outcome = engine::run(&relation, &criterion, &plan);
    drop(plan);
    drop(relation);
    let _ = host.limits();
    if outcome.deleted > 0 {
        host.next_transaction(false, std::time::Duration::from_millis(1));
    }
    Ok(Outcome {
        deleted: outcome.deleted,
        skipped: outcome.skipped,
        batches: 1,
        stop: host.wants_stop().unwrap_or(Stop::Done),
    })
}
