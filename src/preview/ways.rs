//! The ways to clear a table, what each would cost, and which is advised.

use super::Counts;
use crate::engine::{self, rewrite};
use crate::pg::{self, LockMode, Privilege, Relation};
use crate::table::{self, Target};
use logic::number;
use pgrx::pg_sys;
use serde::Serialize;

/// The WAL record of one deleted row: header, block reference and xl_heap_delete, as pg_waldump shows it.
const DELETE_RECORD: f64 = 54.0;

/// The size of a page, and of its image in the WAL when it is changed for the first time after a checkpoint.
const PAGE: f64 = pg_sys::BLCKSZ as f64;

/// Below so many pages (8 MB) it does not matter how a table is cleared.
const SMALL: f64 = 1024.0;

/// Rewriting is advised where it writes a quarter of the WAL at most: it keeps everybody from the table meanwhile.
const WORTH_THE_LOCK: f64 = 4.0;

/// More rows than one transaction should delete.
const MANY: f64 = 10_000.0;

/// Each way by the name of its function, and what gives the space back after the first two: the worker's `repack_above`.
#[derive(Serialize)]
pub struct Ways {
    raw_clear_sessions: Way,
    raw_clear_sessions_in_batches: Way,
    raw_clear_sessions_rewrite: Way,
    repack: Way,
}

#[derive(Serialize)]
struct Way {
    possible: bool,
    why_not: Option<String>,
    /// How much WAL it writes at most: right after a checkpoint, when each page is in it as a whole. Roughly.
    wal_bytes: i64,
    /// How many pages it changes or writes. Roughly.
    pages: i64,
    /// The lock on the table, until the transaction ends.
    lock: &'static str,
}

/// Which way is advised.
pub struct Advice {
    pub way: Option<&'static str>,
    pub why: String,
}

/// What decides on the costs.
struct Size {
    expired: f64,
    expired_fraction: f64,
    total: f64,
    heap_pages: f64,
    /// Rows are on foreign servers: some, or all of them.
    some_foreign: bool,
    all_foreign: bool,
    /// With toast and indexes.
    bytes: f64,
}

impl Size {
    fn of(size: table::Size, counts: &Counts, leaves: &[Relation]) -> Size {
        Size {
            expired: counts.expired,
            expired_fraction: counts.expired_fraction(),
            total: counts.total,
            some_foreign: leaves.iter().any(Relation::is_foreign),
            all_foreign: leaves.iter().all(Relation::is_foreign),
            heap_pages: size.blocks,
            bytes: size.total as f64,
        }
    }

    /// The pages that have an expired row, if these are anywhere in the table.
    fn pages_with_expired(&self) -> f64 {
        let rows_of_page = self.total / self.heap_pages.max(1.0);
        self.heap_pages * (1.0 - (1.0 - self.expired_fraction).powf(rows_of_page.max(1.0)))
    }

    fn deletion_wal(&self) -> f64 {
        if self.all_foreign {
            // Written elsewhere.
            return 0.0;
        }
        self.expired * DELETE_RECORD + self.pages_with_expired() * PAGE
    }

    fn rewrite_wal(&self) -> f64 {
        self.bytes * (1.0 - self.expired_fraction)
    }
}

/// Looks at the ways.
pub fn ways(target: &Target, counts: &Counts, size: table::Size) -> (Ways, Advice) {
    let relation = target.root();
    let leaves = pg::leaves(relation, LockMode::AccessShare);
    let no_repack = leaves.iter().find_map(pg::why_not_repacked);
    let size = Size::of(size, counts, &leaves);
    let no_right = (!pg::has_privilege(relation, Privilege::Delete))
        .then(|| "you have no DELETE privilege on the table".to_owned());
    let no_rewrite = no_right.clone().or_else(|| {
        rewrite::why_not(relation, target.criterion()).map(|refusal| refusal.message().to_owned())
    });
    let no_deletion = no_right
        .or_else(|| super::why_not_published(target))
        .or_else(|| super::why_not_by_access_method(relation));
    let deletion = || {
        way(
            no_deletion.clone(),
            size.deletion_wal(),
            size.pages_with_expired(),
            "ROW EXCLUSIVE",
        )
    };
    let rewrite = way(
        no_rewrite,
        size.rewrite_wal(),
        size.rewrite_wal() / PAGE,
        "ACCESS EXCLUSIVE",
    );
    let in_batches = engine::works_in_batches(target);
    let repack = way(
        no_repack,
        size.rewrite_wal(),
        size.rewrite_wal() / PAGE,
        "SHARE UPDATE EXCLUSIVE",
    );
    let can = Can {
        rewrite: rewrite.possible,
        repack: repack.possible,
        batches: in_batches,
    };
    let advice = advise(&size, no_deletion.clone(), can);
    let ways = Ways {
        raw_clear_sessions: deletion(),
        raw_clear_sessions_in_batches: deletion(),
        raw_clear_sessions_rewrite: rewrite,
        repack,
    };
    (ways, advice)
}

fn way(why_not: Option<String>, wal: f64, pages: f64, lock: &'static str) -> Way {
    Way {
        possible: why_not.is_none(),
        why_not,
        wal_bytes: number::whole(wal),
        pages: number::whole(pages.ceil()),
        lock,
    }
}

/// What is possible beside a plain deletion.
#[derive(Clone, Copy)]
struct Can {
    rewrite: bool,
    repack: bool,
    batches: bool,
}

fn advise(size: &Size, no_deletion: Option<String>, can: Can) -> Advice {
    let percent = number::whole(size.expired_fraction * 100.0);
    let worth_it = size.rewrite_wal() * WORTH_THE_LOCK <= size.deletion_wal();
    let nothing = || (size.expired < 1.0).then(|| "nothing has expired".to_owned());
    if let Some(why) = no_deletion.or_else(nothing) {
        return Advice { way: None, why };
    }
    if can.rewrite && worth_it && size.heap_pages >= SMALL {
        return Advice {
            way: Some("raw_clear_sessions_rewrite"),
            why: format!(
                "{percent} % of the rows have expired: it writes the others only, and gives the space back; \
                 nobody can use the table meanwhile{}",
                if can.repack {
                    "; where that will not do, have the worker delete them and repack the table (repack_above)"
                } else {
                    ""
                }
            ),
        };
    }
    if size.some_foreign && can.batches {
        return Advice {
            way: Some("raw_clear_sessions_in_batches"),
            why: "rows are on a foreign server: where one is changed there meanwhile, the transaction fails, and the procedure tries the batch again"
                .to_owned(),
        };
    }
    if !can.batches {
        return Advice {
            way: Some("raw_clear_sessions"),
            why: "batches are not possible for all of it: there the procedure deletes in one transaction as well"
                .to_owned(),
        };
    }
    if size.expired > MANY {
        return Advice {
            way: Some("raw_clear_sessions_in_batches"),
            why: "many rows have expired: others can use the table meanwhile, and no transaction is long"
                .to_owned(),
        };
    }
    Advice {
        way: Some("raw_clear_sessions"),
        why: "few rows have expired".to_owned(),
    }
}
