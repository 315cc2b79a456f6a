//! What work costs, in autovacuum's currency.

use logic::number;
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
    number::count(cost)
}

/// What so many pages cost that were read and of which some were changed, where no buffer of this server's was used.
pub fn cost_of_pages(read: u64, dirtied: u64) -> u64 {
    // SAFETY: settings (miscadmin.h).
    let (miss, dirty) = unsafe { (pg_sys::VacuumCostPageMiss, pg_sys::VacuumCostPageDirty) };
    let cost = |pages: u64, each: i32| pages.saturating_mul(u64::try_from(each).unwrap_or(0));
    cost(read, miss).saturating_add(cost(dirtied, dirty))
}
