//! SQL statements, with parameters, by the caller's rights.
//!
//! pgrx's own `Spi` reads under a snapshot of its choice and refuses EXPLAIN; this is the part that is needed, by hand.

mod kept_plan;
mod row;

use super::c::size;
use super::internal_statement::hiding;
use super::memory::{copied, gather};
use super::name::encodable;
use super::{Relation, TupleSet};
use crate::refusal::Refusal;
use core::ffi::{CStr, c_char, c_int};
use kept_plan::KeptPlan;
use logic::number;
use pgrx::prelude::PgSqlErrorCode;
use pgrx::{IntoDatum, PgList, pg_sys};
pub use row::Row;
use std::ffi::CString;

/// A parameter of a statement: `$1`, `$2`, ... They are constants to the planner.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    pub type_oid: pg_sys::Oid,
    pub value: pg_sys::Datum,
}

impl Argument {
    /// A bigint: PostgreSQL compares all integer types and numeric with it, the integers without a conversion.
    pub fn integer(value: i64) -> Self {
        Argument {
            type_oid: pg_sys::INT8OID,
            value: value.into(),
        }
    }

    /// A text; it is copied into the current memory context.
    pub fn text(value: &str) -> Self {
        Argument {
            type_oid: pg_sys::TEXTOID,
            value: encodable(value).into_datum().expect("a text is not NULL"),
        }
    }

    /// A timestamptz.
    pub fn instant(value: i64) -> Self {
        Argument {
            type_oid: pg_sys::TIMESTAMPTZOID,
            value: value.into(),
        }
    }

    /// An oid, as a bigint: what it is compared with casts it.
    pub fn oid(oid: pg_sys::Oid) -> Self {
        Argument::integer(u32::from(oid).into())
    }

    /// An array of them, as text.
    pub fn oids(oids: &[pg_sys::Oid]) -> Self {
        let oids: Vec<_> = oids.iter().map(|oid| u32::from(*oid).to_string()).collect();
        Argument::text(&format!("{{{}}}", oids.join(",")))
    }

    /// A tid; it is made in the current memory context.
    pub fn place((block, number): (u32, u16)) -> Self {
        // SAFETY: palloc returns memory of this size, aligned for all.
        let tid = unsafe {
            let tid = pg_sys::palloc(size_of::<pg_sys::ItemPointerData>());
            let tid = tid.cast::<pg_sys::ItemPointerData>();
            pgrx::itemptr::item_pointer_set_all(&mut *tid, block, number);
            tid
        };
        Argument {
            type_oid: pg_sys::TIDOID,
            value: tid.into(),
        }
    }

    /// A float8.
    pub fn float(value: f64) -> Self {
        Argument {
            type_oid: pg_sys::FLOAT8OID,
            value: value.to_bits().into(),
        }
    }
}

/// How a statement is planned.
#[derive(Clone, Copy, PartialEq)]
pub enum Planning {
    /// For these values, and executed once.
    Once,
    /// For these values, and analysed once for all executions.
    ForEach,
    /// Once for all executions, whatever the values.
    ForAll,
}

/// Runs a statement that returns rows.
pub fn query<R: Row>(statement: &str, arguments: &[Argument]) -> Vec<R> {
    execute(statement, arguments, rows)
}

/// The only row of a statement that returns one.
pub fn query_one<R: Row>(statement: &str, arguments: &[Argument]) -> R {
    let row = query(statement, arguments).pop();
    row.expect("the statement returns a row")
}

/// Runs a statement for what it does.
pub fn run(statement: &str) {
    execute(statement, &[], || {});
}

/// Runs a statement that returns rows, on a table that is open and locked. `statement` puts in the table's qualified
/// name, which is looked up here: it may change at any time, because renaming a schema locks none of its tables.
///
/// ERROR 55006 where another table goes on coming to have the name.
pub fn query_on<R: Row>(
    table: &Relation,
    statement: impl Fn(&str) -> String,
    arguments: &[Argument],
) -> Vec<R> {
    execute_on(table, statement, arguments, Planning::Once, rows)
}

/// The same for a statement that returns one row, and that is executed for each batch. Its last column, which is not NULL,
/// becomes a parameter for statements to come, as long as the current memory context lasts; the others are returned.
pub fn query_for_argument_on<R: Row>(
    table: &Relation,
    statement: impl Fn(&str) -> String,
    arguments: &[Argument],
) -> (R, Argument) {
    // SAFETY: SPI_tuptable is the result of the statement that has just been executed: one row. SPI_datumTransfer copies
    // into the memory context that was current before SPI_connect, and is again after SPI_finish.
    execute_on(table, statement, arguments, Planning::ForAll, || unsafe {
        let result = pg_sys::SPI_tuptable;
        let (tuple, descriptor) = (*(*result).vals, (*result).tupdesc);
        let last = (*descriptor).natts;
        let mut is_null = false;
        let value = pg_sys::SPI_getbinval(tuple, descriptor, last, &mut is_null);
        let argument = Argument {
            type_oid: pg_sys::SPI_gettypeid(descriptor, last),
            value: pg_sys::SPI_datumTransfer(value, false, -1),
        };
        (read(tuple, descriptor, last - 1), argument)
    })
}

/// The same for a statement that changes rows; returns how many.
pub fn modify_on(
    table: &Relation,
    statement: impl Fn(&str) -> String,
    arguments: &[Argument],
    planning: Planning,
) -> u64 {
    // SAFETY: set by the statement that has just been executed.
    execute_on(table, statement, arguments, planning, || unsafe {
        pg_sys::SPI_processed
    })
}

/// The same for a statement that returns the places (ctid) of rows: puts them in a set, whose blocks they lie in.
pub fn query_places_on(
    table: &Relation,
    statement: impl Fn(&str) -> String,
    arguments: &[Argument],
    places: &mut TupleSet,
) {
    // SAFETY: SPI_tuptable is the result of the statement that has just been executed: one column, a tid, not NULL.
    execute_on(table, statement, arguments, Planning::Once, || unsafe {
        let table = pg_sys::SPI_tuptable;
        for row in 0..number::size(pg_sys::SPI_processed) {
            let mut is_null = false;
            let tuple = *(*table).vals.add(row);
            let tid = pg_sys::SPI_getbinval(tuple, (*table).tupdesc, 1, &mut is_null);
            let tid = tid.cast_mut_ptr::<pg_sys::ItemPointerData>();
            places.insert(super::heap::block_of(tid), (*tid).ip_posid);
        }
    });
}

/// How often a name is looked up that has become another table's before the statement was analysed.
const TRIES: u32 = 10;

fn execute_on<T>(
    table: &Relation,
    statement: impl Fn(&str) -> String,
    arguments: &[Argument],
    planning: Planning,
    result: impl FnOnce() -> T,
) -> T {
    let mut types: Vec<_> = arguments.iter().map(|argument| argument.type_oid).collect();
    let mut values: Vec<_> = arguments.iter().map(|argument| argument.value).collect();
    // What a rule makes of it may name more tables than this one, which are not locked.
    let may_be_kept = table.is_heap() && !table.has_delete_rule();
    let options = match planning {
        Planning::ForEach if may_be_kept => Some(pg_sys::CURSOR_OPT_CUSTOM_PLAN),
        Planning::ForAll if may_be_kept => Some(pg_sys::CURSOR_OPT_GENERIC_PLAN),
        _ => None,
    };
    // SAFETY: as in `execute`. A plan that is not kept is not analysed again (utils/cache/plancache.c): what it means when
    // it has been prepared, it means when it is executed. So does one that is kept and up to date.
    unsafe {
        pg_sys::SPI_connect();
        for _ in 0..TRIES {
            let statement = CString::new(statement(&table.qualified_name()))
                .expect("SQL made of SQL has no zero byte");
            let count = parameters(arguments);
            let kept = options.map(|options| KeptPlan::take(table, &statement, arguments, options));
            let plan = kept.as_ref().map_or_else(
                || {
                    hiding(&statement, || {
                        pg_sys::SPI_prepare(statement.as_ptr(), count, types.as_mut_ptr())
                    })
                },
                |kept| kept.plan,
            );
            assert!(!plan.is_null(), "SPI_prepare failed");
            if !kept.as_ref().is_none_or(KeptPlan::bring_up_to_date) || !means(plan, table) {
                continue;
            }
            let nulls = core::ptr::null::<c_char>();
            let outcome = hiding(&statement, || {
                pg_sys::SPI_execute_plan(plan, values.as_mut_ptr(), nulls, false, 0)
            });
            assert!(outcome >= 0, "SPI_execute_plan returned {outcome}");
            if table.has_delete_rule() && !counts(plan, table) {
                pg_sys::SPI_processed = 0;
            }
            let result = result();
            if let Some(kept) = kept {
                kept.keep();
            }
            pg_sys::SPI_finish();
            return result;
        }
    }
    Refusal::new(
        PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
        format!(
            "table \"{}\" is being renamed by another session",
            table.name()
        ),
    )
    .hint("Try again.")
    .raise()
}

/// Whether a statement that names one table names this one; of a DELETE, whether this one is its target.
///
/// # Safety
/// The plan has been prepared and is still there.
unsafe fn means(plan: pg_sys::SPIPlanPtr, table: &Relation) -> bool {
    // SAFETY: the lists belong to the plan (utils/plancache.h); a Query's result relation is in its range table.
    unsafe {
        let sources =
            PgList::<pg_sys::CachedPlanSource>::from_pg(pg_sys::SPI_plan_get_plan_sources(plan));
        sources.iter_ptr().all(|source| {
            let named = PgList::<pg_sys::Oid>::from_pg((*source).relationOids);
            let queries = PgList::<pg_sys::Query>::from_pg((*source).query_list);
            // A rule makes other statements of it, or none.
            if table.has_delete_rule() && queries.is_empty() {
                return true;
            }
            named.iter_oid().any(|oid| oid == table.oid())
                && (table.has_delete_rule()
                    || queries
                        .iter_ptr()
                        .filter(|query| (**query).commandType == pg_sys::CmdType::CMD_DELETE)
                        .all(|query| is_target(query, table)))
        })
    }
}

/// Whether what a statement has processed are rows of this table: a rule can have a DELETE of another's rows counted in its
/// place (rewrite/rewriteHandler.c, QueryRewrite).
///
/// # Safety
/// As for `means`.
unsafe fn counts(plan: pg_sys::SPIPlanPtr, table: &Relation) -> bool {
    // SAFETY: as in `means`.
    unsafe {
        let sources =
            PgList::<pg_sys::CachedPlanSource>::from_pg(pg_sys::SPI_plan_get_plan_sources(plan));
        sources.iter_ptr().all(|source| {
            let queries = PgList::<pg_sys::Query>::from_pg((*source).query_list);
            queries
                .iter_ptr()
                .filter(|query| {
                    (**query).canSetTag && (**query).commandType != pg_sys::CmdType::CMD_SELECT
                })
                .all(|query| is_target(query, table))
        })
    }
}

/// How many parameters a statement has.
pub(super) fn parameters(arguments: &[Argument]) -> c_int {
    c_int::try_from(arguments.len()).expect("a statement has few parameters")
}

/// Whether a statement changes rows of this table.
///
/// # Safety
/// As for `means`.
unsafe fn is_target(query: *mut pg_sys::Query, table: &Relation) -> bool {
    // SAFETY: as in `means`.
    unsafe {
        let entries = PgList::<pg_sys::RangeTblEntry>::from_pg((*query).rtable);
        entries
            .get_ptr(size((*query).resultRelation) - 1)
            .is_some_and(|entry| (*entry).relid == table.oid())
    }
}

fn execute<T>(statement: &str, arguments: &[Argument], result: impl FnOnce() -> T) -> T {
    let statement = CString::new(statement).expect("SQL made of SQL has no zero byte");
    let mut types: Vec<_> = arguments.iter().map(|argument| argument.type_oid).collect();
    let mut values: Vec<_> = arguments.iter().map(|argument| argument.value).collect();
    // SAFETY: the arrays have one entry for each parameter and outlive the call. read_only is false, so that the
    // statement sees what this transaction has done so far. SPI_finish frees what the statement returned, which
    // `result` has copied by then; an ERROR skips it, and the transaction's abort does its work.
    unsafe {
        pg_sys::SPI_connect();
        let outcome = hiding(&statement, || {
            pg_sys::SPI_execute_with_args(
                statement.as_ptr(),
                parameters(arguments),
                types.as_mut_ptr(),
                values.as_mut_ptr(),
                core::ptr::null::<c_char>(),
                false,
                0,
            )
        });
        assert!(outcome >= 0, "SPI_execute_with_args returned {outcome}");
        let result = result();
        pg_sys::SPI_finish();
        result
    }
}

/// The rows of the statement that has just been executed.
pub fn rows<R: Row>() -> Vec<R> {
    // SAFETY: SPI_tuptable is the result of the statement that has just been executed.
    unsafe {
        let table = pg_sys::SPI_tuptable;
        assert!(!table.is_null(), "the statement returns rows");
        let descriptor = (*table).tupdesc;
        gather((0..number::size(pg_sys::SPI_processed)).map(|row| {
            let tuple = *(*table).vals.add(row);
            read(tuple, descriptor, (*descriptor).natts)
        }))
    }
}

/// A row of so many columns, from the first.
///
/// # Safety
/// The descriptor is the tuple's, and has as many.
unsafe fn read<R: Row>(tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc, columns: i32) -> R {
    assert!(
        R::COLUMNS == size(columns),
        "a row has the columns that its statement names"
    );
    let mut texts = (1..=columns).map(|column| {
        // SAFETY: as the caller says; the text is copied.
        unsafe {
            let value = pg_sys::SPI_getvalue(tuple, descriptor, column);
            (!value.is_null()).then(|| copied(CStr::from_ptr(value)))
        }
    });
    R::of(&mut texts).expect("a row has values of the types that its statement gives them")
}
