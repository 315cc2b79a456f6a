//! Plans of statements that are executed again and again, batch after batch: a session keeps the last few.
//!
//! A plan that is kept is analysed again when something has changed (utils/cache/plancache.c), and a name may have become
//! another table's by then. So before each execution the plan is brought up to date, and then looked at.

use super::super::Relation;
use super::super::c::int;
use super::super::internal_statement::hiding;
use super::{Argument, parameters};
use core::mem::ManuallyDrop;
use pgrx::{PgList, pg_sys};
use std::cell::RefCell;
use std::ffi::CString;

/// How many plans a session keeps: those of a batch, and of one that clears another table from a trigger of this one.
const PLANS: usize = 4;

thread_local! {
    /// Those that are not being executed. What is still here when the process ends goes with its memory.
    static KEPT: RefCell<Vec<ManuallyDrop<KeptPlan>>> = const { RefCell::new(Vec::new()) };
}

/// A plan that is about to be executed, or is: nobody else has it, so that nobody frees it meanwhile.
///
/// Dropped, it is freed, after an ERROR too: the executor, which may have been using it, is left by then, and has a count of
/// its own on what it executes until the abort.
pub(super) struct KeptPlan {
    of: Key,
    pub plan: pg_sys::SPIPlanPtr,
}

/// What a plan is for. It was chosen for a table of about this size.
#[derive(PartialEq)]
struct Key {
    table: pg_sys::Oid,
    statement: CString,
    types: Vec<pg_sys::Oid>,
    /// The number of blocks, as a power of two.
    size: Option<u32>,
}

impl KeptPlan {
    /// The one that was kept, or a new one. Inside of SPI. `options` are those of a cursor (nodes/parsenodes.h).
    pub fn take(
        table: &Relation,
        statement: &CString,
        arguments: &[Argument],
        options: u32,
    ) -> KeptPlan {
        let key = Key {
            table: table.oid(),
            statement: statement.clone(),
            types: arguments.iter().map(|argument| argument.type_oid).collect(),
            size: table.blocks().checked_ilog2(),
        };
        let kept = KEPT.with_borrow_mut(|kept| {
            let index = kept.iter().position(|kept| kept.of == key)?;
            Some(ManuallyDrop::into_inner(kept.remove(index)))
        });
        kept.unwrap_or_else(|| KeptPlan::prepare(key, arguments, options))
    }

    fn prepare(mut key: Key, arguments: &[Argument], options: u32) -> KeptPlan {
        let statement = key.statement.clone();
        // SAFETY: inside of SPI; the types outlive the call. SPI_keepplan moves the plan to memory that stays.
        let plan = hiding(&statement, || unsafe {
            let types = key.types.as_mut_ptr();
            let plan = pg_sys::SPI_prepare_cursor(
                statement.as_ptr(),
                parameters(arguments),
                types,
                int(options),
            );
            assert!(!plan.is_null(), "SPI_prepare_cursor failed");
            assert_eq!(pg_sys::SPI_keepplan(plan), 0, "SPI_keepplan failed");
            plan
        });
        KeptPlan { of: key, plan }
    }

    /// Has it analysed and planned again if something has changed. Whether what it means then is what it will be executed as.
    ///
    /// Every lock that the plan takes is held afterwards, and no catalog is read before the execution has found the plan
    /// valid: so the session processes no invalidation in between, and does not analyse it once more. Planning does process
    /// them, which is why it has to be looked here whether the plan has stayed valid.
    pub fn bring_up_to_date(&self) -> bool {
        // SAFETY: a plan of one statement, in a transaction; the count on the result is given back at once. The list
        // belongs to the plan.
        hiding(&self.of.statement, || unsafe {
            let planned = pg_sys::SPI_plan_get_cached_plan(self.plan);
            assert!(!planned.is_null(), "a plan of one statement");
            pg_sys::ReleaseCachedPlan(planned, pg_sys::CurrentResourceOwner);
            PgList::<pg_sys::CachedPlanSource>::from_pg(pg_sys::SPI_plan_get_plan_sources(
                self.plan,
            ))
            .iter_ptr()
            .all(|source| (*source).is_valid)
        })
    }

    /// Keeps it for the next time, in place of the one that has been unused for longest.
    pub fn keep(self) {
        let oldest = KEPT.with_borrow_mut(|kept| {
            let oldest = (kept.len() == PLANS).then(|| kept.remove(0));
            kept.push(ManuallyDrop::new(self));
            oldest
        });
        drop(oldest.map(ManuallyDrop::into_inner));
    }
}

impl Drop for KeptPlan {
    fn drop(&mut self) {
        // SAFETY: a plan that was kept, which nobody else has. It takes no lock, reads no catalog and raises no ERROR, so
        // that it may be called while one unwinds.
        unsafe { pg_sys::SPI_freeplan(self.plan) };
    }
}
