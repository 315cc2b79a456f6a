//! What a condition says of the tables that rows are in, by `tableoid`.

use super::bindings::expression_tree_mutator;
use super::expression::transform;
use super::{Relation, refusing};
use crate::refusal::Refusal;
use core::ffi::c_void;
use pgrx::prelude::*;
use pgrx::{is_a, pg_sys};
use std::ffi::CString;

/// Whether a condition over a relation cannot be true of any row of one of the tables that go along with it. To be asked with what
/// the condition is evaluated with.
///
/// Errors: as analysing the condition has.
pub fn excludes_table(
    relation: &Relation,
    condition: &str,
    mut table: pg_sys::Oid,
) -> Result<bool, Refusal> {
    let condition = CString::new(condition).expect("has been analysed before");
    refusing("", || {
        let node = transform(relation, &condition, true)?;
        // SAFETY: an analysed expression, palloc'd; replacing and folding make new trees. The context is what `in_table` takes it
        // for, and lives as long as the walk.
        unsafe {
            let there = in_table(node, (&raw mut table).cast());
            let there = pg_sys::eval_const_expressions(core::ptr::null_mut(), there);
            Ok(is_a(there, pg_sys::NodeTag::T_Const) && {
                let value = &*there.cast::<pg_sys::Const>();
                value.constisnull || bool::from_datum(value.constvalue, false) == Some(false)
            })
        }
    })?
}

/// The tree with `tableoid` replaced by the oid that the context points to.
#[pg_guard]
unsafe extern "C-unwind" fn in_table(
    node: *mut pg_sys::Node,
    context: *mut c_void,
) -> *mut pg_sys::Node {
    // SAFETY: each node is looked at as what its tag says; the context points to an oid.
    unsafe {
        if node.is_null() {
            return node;
        }
        if is_a(node, pg_sys::NodeTag::T_Var)
            && i32::from((*node.cast::<pg_sys::Var>()).varattno) == pg_sys::TableOidAttributeNumber
        {
            let oid = *context.cast::<pg_sys::Oid>();
            return pg_sys::makeConst(
                pg_sys::OIDOID,
                -1,
                pg_sys::InvalidOid,
                4,
                pg_sys::Datum::from(oid),
                false,
                true,
            )
            .cast();
        }
        expression_tree_mutator(node, in_table, context)
    }
}

/// The tables that an analysed expression names by constants, or by functions of constants (`to_regclass()`). Errors: as those
/// functions have.
///
/// # Safety
/// The expression is a tree of nodes, palloc'd.
pub(super) unsafe fn tables_named(node: *mut pg_sys::Node) -> Vec<pg_sys::Oid> {
    let mut tables: Vec<pg_sys::Oid> = Vec::new();
    // SAFETY: folding makes a new tree; the context is what `gather_tables` takes it for.
    unsafe {
        let folded = pg_sys::eval_const_expressions(core::ptr::null_mut(), node);
        gather_tables(folded, (&raw mut tables).cast());
    }
    tables
}

#[pg_guard]
unsafe extern "C-unwind" fn gather_tables(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    // SAFETY: each node is looked at as what its tag says; a constant that is not NULL is of its type.
    unsafe {
        if node.is_null() {
            return false;
        }
        if is_a(node, pg_sys::NodeTag::T_Const) {
            let value = &*node.cast::<pg_sys::Const>();
            let tables = &mut *context.cast::<Vec<pg_sys::Oid>>();
            match value.consttype {
                _ if value.constisnull => {}
                pg_sys::OIDOID | pg_sys::REGCLASSOID => {
                    // The oid of a type, say, is no table's.
                    let oid = pg_sys::Oid::from_datum(value.constvalue, false);
                    let is_table = |oid: &pg_sys::Oid| pg_sys::get_rel_relkind(*oid) != 0;
                    tables.extend(oid.filter(is_table));
                }
                pg_sys::OIDARRAYOID | pg_sys::REGCLASSARRAYOID => {
                    let oids = Vec::<Option<pg_sys::Oid>>::from_polymorphic_datum(
                        value.constvalue,
                        false,
                        value.consttype,
                    );
                    tables.extend(oids.into_iter().flatten().flatten());
                }
                _ => {}
            }
            return false;
        }
        let found = if finds_tables(node) {
            found(node)
        } else {
            node
        };
        if found != node && is_a(found, pg_sys::NodeTag::T_Const) {
            return gather_tables(found, context);
        }
        pg_sys::expression_tree_walker(node, Some(gather_tables), context)
    }
}

/// Whether this makes tables' oids of something else than a row.
unsafe fn finds_tables(node: *mut pg_sys::Node) -> bool {
    // SAFETY: a node, and an expression if it is one of these.
    unsafe {
        [
            pg_sys::NodeTag::T_FuncExpr,
            pg_sys::NodeTag::T_CoerceViaIO,
            pg_sys::NodeTag::T_ArrayCoerceExpr,
        ]
        .iter()
        .any(|tag| is_a(node, *tag))
            && matches!(
                pg_sys::exprType(node),
                pg_sys::OIDOID
                    | pg_sys::REGCLASSOID
                    | pg_sys::OIDARRAYOID
                    | pg_sys::REGCLASSARRAYOID
            )
            && !pg_sys::contain_var_clause(node)
    }
}

/// What stable functions find by now.
///
/// # Safety
/// An analysed expression, palloc'd.
pub(super) unsafe fn found(node: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: of a query's plan it looks at the parameters that are bound, of which there are none, and notes in it the functions
    // that it has written out (optimizer/util/clauses.c): both nodes are palloc'd, and zeroed.
    unsafe {
        let plan = PgBox::<pg_sys::PlannerGlobal>::alloc_node(pg_sys::NodeTag::T_PlannerGlobal);
        let mut query = PgBox::<pg_sys::PlannerInfo>::alloc_node(pg_sys::NodeTag::T_PlannerInfo);
        query.glob = plan.into_pg();
        pg_sys::estimate_expression_value(query.into_pg(), node)
    }
}
