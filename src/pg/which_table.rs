//! What a condition says of the tables that rows are in, by `tableoid`.

use super::bindings::expression_tree_mutator;
use super::expression::transform;
use super::{Relation, refusing};
use crate::refusal::Refusal;
use core::ffi::c_void;
use pgrx::prelude::*;
use pgrx::{is_a, pg_sys};
use std::ffi::CString;

/// Whether a condition over a relation says of one of the tables that go along with it whether its rows are meant: it names that
/// one, by a constant, or cannot be true of any row of it. To be asked with what the condition is evaluated with.
///
/// Errors: as analysing the condition has.
pub fn says_of_table(
    relation: &Relation,
    condition: &str,
    table: pg_sys::Oid,
) -> Result<bool, Refusal> {
    let condition = CString::new(condition).expect("has been analysed before");
    refusing("", || {
        let node = transform(relation, &condition, true)?;
        // SAFETY: an analysed expression, palloc'd; folding and replacing make new trees. The contexts are what the functions
        // take them for, and live as long as the walks.
        unsafe {
            let mut oid = table;
            let context = (&raw mut oid).cast::<c_void>();
            if names(
                pg_sys::eval_const_expressions(core::ptr::null_mut(), node),
                context,
            ) {
                return Ok(true);
            }
            let there =
                pg_sys::eval_const_expressions(core::ptr::null_mut(), in_table(node, context));
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

/// Whether the oid that the context points to is among the constants.
#[pg_guard]
unsafe extern "C-unwind" fn names(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    // SAFETY: as above; a constant that is not NULL is of its type.
    unsafe {
        if node.is_null() {
            return false;
        }
        if is_a(node, pg_sys::NodeTag::T_Const) {
            let value = &*node.cast::<pg_sys::Const>();
            let oid = *context.cast::<pg_sys::Oid>();
            if value.constisnull {
                return false;
            }
            return match value.consttype {
                pg_sys::OIDOID | pg_sys::REGCLASSOID => {
                    pg_sys::Oid::from_datum(value.constvalue, false) == Some(oid)
                }
                pg_sys::OIDARRAYOID | pg_sys::REGCLASSARRAYOID => {
                    Vec::<Option<pg_sys::Oid>>::from_polymorphic_datum(
                        value.constvalue,
                        false,
                        value.consttype,
                    )
                    .is_some_and(|oids| oids.contains(&Some(oid)))
                }
                _ => false,
            };
        }
        pg_sys::expression_tree_walker(node, Some(names), context)
    }
}
