//! What work costs, in autovacuum's currency.

use pgrx::pg_sys;

/// What this process has cost so far, in the units of vacuum_cost_page_hit, _miss and _dirty.
pub fn buffer_cost() -> u64 {
    // SAFETY: counters of this process (executor/instrument.h) and settings (miscadmin.h).
    let cost = unsafe {
        let usage = pg_sys::pgBufferUsage;
        (usage.shared_blks_hit + usage.local_blks_hit) * i64::from(pg_sys::VacuumCostPageHit)
            + (usage.shared_blks_read + usage.local_blks_read)
                * i64::from(pg_sys::VacuumCostPageMiss)
            + (usage.shared_blks_dirtied + usage.local_blks_dirtied)
                * i64::from(pg_sys::VacuumCostPageDirty)
    };
    cost.max(0) as u64
}

/// What it costs to change a page, in the same units.
pub fn dirty_page_cost() -> u64 {
    // SAFETY: a setting (miscadmin.h).
    unsafe { pg_sys::VacuumCostPageDirty }.max(0) as u64
}
