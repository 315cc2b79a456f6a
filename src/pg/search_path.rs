//! Whether what an expression makes of a row depends on the session's `search_path`: the worker's is PostgreSQL's own schema, so
//! that a table is `public.archive` to it which is `archive` to whoever has scheduled it.
//!
//! Names of what has a schema are written (the output of regclass and its like, format_type()) and looked up (their input,
//! to_regclass()) by it; what is looked up by a constant with its schema's name is the same for all, as is what is found
//! among PostgreSQL's own.

use super::which_table::found;
use core::ffi::{CStr, c_void};
use pgrx::prelude::*;
use pgrx::{PgList, is_a, pg_sys};

/// The types of what has a schema, in the order of their oids; a role or a schema has none.
const NAMED: [pg_sys::Oid; 9] = [
    pg_sys::REGPROCOID,
    pg_sys::REGPROCEDUREOID,
    pg_sys::REGOPEROID,
    pg_sys::REGOPERATOROID,
    pg_sys::REGCLASSOID,
    pg_sys::REGTYPEOID,
    pg_sys::REGCONFIGOID,
    pg_sys::REGDICTIONARYOID,
    pg_sys::REGCOLLATIONOID,
];

/// Whether the value of an analysed expression can depend on it. In a session whose path is the worker's, as it is where a table is
/// scheduled.
///
/// # Safety
/// The expression is a tree of nodes, palloc'd.
pub(super) unsafe fn reads_search_path(node: *mut pg_sys::Node) -> bool {
    // SAFETY: as for this function; no context is needed.
    unsafe { reads(node, core::ptr::null_mut()) }
}

#[pg_guard]
unsafe extern "C-unwind" fn reads(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: each node is looked at as what its tag says, and the functions of nodes/nodeFuncs.h take any of an expression.
    unsafe {
        if is_a(node, pg_sys::NodeTag::T_SQLValueFunction) {
            let function = (*node.cast::<pg_sys::SQLValueFunction>()).op;
            return function == pg_sys::SQLValueFunctionOp::SVFOP_CURRENT_SCHEMA;
        }
        if is_lookup(node) {
            return !is_the_same_for_all(node);
        }
        if pg_sys::check_functions_in_node(node, Some(writes), core::ptr::null_mut())
            || takes_any(node)
        {
            return true;
        }
        pg_sys::expression_tree_walker(node, Some(reads), context)
    }
}

/// Whether a function of PostgreSQL's writes names, with their schemas where these are not in the path, or says what is in it
/// (utils/adt/regproc.c, ruleutils.c, format_type.c, catalog/namespace.c).
#[pg_guard]
unsafe extern "C-unwind" fn writes(function: pg_sys::Oid, _context: *mut c_void) -> bool {
    // SAFETY: the function is one that the expression calls.
    let name = unsafe { own_name(function) };
    name.starts_with(b"pg_get_")
        || name.ends_with(b"_is_visible")
        || [&b"format_type"[..], b"current_schema", b"current_schemas"].contains(&name)
        || name.starts_with(b"reg")
            && name.ends_with(b"out")
            && ![&b"regroleout"[..], b"regnamespaceout"].contains(&name)
}

/// The name of a function, if it is PostgreSQL's own; else an empty one.
///
/// # Safety
/// There is such a function.
pub(super) unsafe fn own_name<'a>(function: pg_sys::Oid) -> &'a [u8] {
    if u32::from(function) >= pg_sys::FirstNormalObjectId {
        return b"";
    }
    // SAFETY: the name is palloc'd, and outlives the analysis.
    unsafe { CStr::from_ptr(pg_sys::get_func_name(function)) }.to_bytes()
}

/// The function of a call.
///
/// # Safety
/// The node is a FuncExpr.
unsafe fn called(node: *mut pg_sys::Node) -> pg_sys::Oid {
    // SAFETY: as for this function.
    unsafe { (*node.cast::<pg_sys::FuncExpr>()).funcid }
}

/// Whether it makes one of the types of a text: by a cast, or by to_regclass() and its like.
unsafe fn is_lookup(node: *mut pg_sys::Node) -> bool {
    // SAFETY: an expression if it is one of these.
    unsafe {
        if is_a(node, pg_sys::NodeTag::T_CoerceViaIO) {
            return NAMED.contains(&pg_sys::exprType(node));
        }
        is_a(node, pg_sys::NodeTag::T_FuncExpr) && NAMED.contains(&pg_sys::exprType(node)) && {
            let name = own_name(called(node));
            name.starts_with(b"to_reg") || name.starts_with(b"reg")
        }
    }
}

/// Whether a lookup finds the same in each session: it is of a constant that has a schema's name, or finds one of PostgreSQL's. What a
/// cast finds is not tried: where it finds nothing, it is an ERROR.
unsafe fn is_the_same_for_all(node: *mut pg_sys::Node) -> bool {
    // SAFETY: an analysed expression, palloc'd.
    unsafe {
        if pg_sys::contain_var_clause(node) {
            return false;
        }
        if names_schema(node, core::ptr::null_mut()) {
            return true;
        }
        if is_a(node, pg_sys::NodeTag::T_CoerceViaIO)
            || !own_name(called(node)).starts_with(b"to_reg")
        {
            return false;
        }
        let value = found(node);
        is_a(value, pg_sys::NodeTag::T_Const) && !(*value.cast::<pg_sys::Const>()).constisnull
    }
}

/// Whether a constant in it is a text with a point.
#[pg_guard]
unsafe extern "C-unwind" fn names_schema(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    // SAFETY: as in `reads`; a constant that is not NULL is of its type.
    unsafe {
        if node.is_null() {
            return false;
        }
        if is_a(node, pg_sys::NodeTag::T_Const) {
            let constant = &*node.cast::<pg_sys::Const>();
            return constant.consttype == pg_sys::TEXTOID
                && String::from_datum(constant.constvalue, constant.constisnull)
                    .is_some_and(|text| text.contains('.'));
        }
        pg_sys::expression_tree_walker(node, Some(names_schema), context)
    }
}

/// Whether what takes values of any type (to_jsonb(), format(), a row) is given one of the types, or several: it writes them.
unsafe fn takes_any(node: *mut pg_sys::Node) -> bool {
    // SAFETY: as in `reads`. The declared types are palloc'd, as many as the function says.
    unsafe {
        if is_a(node, pg_sys::NodeTag::T_RowExpr) {
            return names(PgList::from_pg((*node.cast::<pg_sys::RowExpr>()).args));
        }
        if is_a(node, pg_sys::NodeTag::T_XmlExpr) {
            let made = &*node.cast::<pg_sys::XmlExpr>();
            return names(PgList::from_pg(made.args)) || names(PgList::from_pg(made.named_args));
        }
        #[cfg(not(feature = "pg15"))]
        if is_a(node, pg_sys::NodeTag::T_JsonConstructorExpr) {
            return names(PgList::from_pg(
                (*node.cast::<pg_sys::JsonConstructorExpr>()).args,
            ));
        }
        if !is_a(node, pg_sys::NodeTag::T_FuncExpr) {
            return false;
        }
        let call = &*node.cast::<pg_sys::FuncExpr>();
        let (mut types, mut count) = (core::ptr::null_mut(), 0);
        pg_sys::get_func_signature(call.funcid, &mut types, &mut count);
        let is_any = |argument| {
            let declared = *types.add(argument);
            [
                pg_sys::ANYOID,
                pg_sys::ANYELEMENTOID,
                pg_sys::ANYNONARRAYOID,
                pg_sys::ANYARRAYOID,
                pg_sys::ANYCOMPATIBLEOID,
                pg_sys::ANYCOMPATIBLEARRAYOID,
            ]
            .contains(&declared)
        };
        (0..usize::try_from(count).unwrap_or(0)).any(is_any) && names(PgList::from_pg(call.args))
    }
}

/// Whether one of them is of the types, or several of one.
unsafe fn names(expressions: PgList<pg_sys::Node>) -> bool {
    // SAFETY: expressions, each with a type.
    expressions.iter_ptr().any(|one| unsafe {
        let of = pg_sys::exprType(one);
        NAMED.contains(&of) || NAMED.contains(&pg_sys::get_element_type(of))
    })
}
