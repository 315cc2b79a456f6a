//! Whether what an expression makes of a row depends on the session's `TimeZone` and `DateStyle`: then it would mean one instant
//! to the caller, and another to the worker.
//!
//! PostgreSQL marks what depends on a setting as STABLE, but for [`BY_ZONE`]; and so is the clock, which is the same for all.

use super::LocalSetting;
use super::c::byte_of;
use super::time::Zone;
use core::ffi::{CStr, c_void};
use pgrx::prelude::*;
use pgrx::{PgList, is_a, pg_sys};
use std::ffi::CString;

/// STABLE, and the same in every session: the clock.
const CLOCKS: [u32; 3] = [
    pg_sys::F_NOW,
    pg_sys::F_STATEMENT_TIMESTAMP,
    pg_sys::F_TRANSACTION_TIMESTAMP,
];

/// Marked as IMMUTABLE, and goes by the days and months of the session's zone all the same.
const BY_ZONE: u32 = pg_sys::F_AGE_TIMESTAMPTZ_TIMESTAMPTZ;

/// Sessions in which no time without a zone is the same instant, not even `today`, and no `01/02/03` the same day.
const APART: [[(&CStr, &CStr); 2]; 3] = [
    [(c"TimeZone", c"-12"), (c"DateStyle", c"ISO, MDY")],
    [(c"TimeZone", c"14"), (c"DateStyle", c"ISO, DMY")],
    [(c"TimeZone", c"1"), (c"DateStyle", c"ISO, YMD")],
];

/// The settings of a session in which expressions are read and evaluated in a zone, until dropped: the same wherever that is.
pub fn evaluating_in(zone: &Zone) -> LocalSetting {
    let zone = CString::new(zone.name()).unwrap_or_default();
    LocalSetting::set(&[(c"TimeZone", &zone), (c"DateStyle", c"ISO, YMD")])
}

/// Looks once in each of some sessions that are far apart.
pub fn apart<T>(mut look: impl FnMut() -> T) -> [T; APART.len()] {
    APART.map(|settings| {
        let _session = LocalSetting::set(&settings);
        look()
    })
}

/// The settings by which constants are written as SQL that is read as the same ones, until dropped.
pub fn writing_constants() -> LocalSetting {
    LocalSetting::set(&[(c"DateStyle", c"ISO"), (c"IntervalStyle", c"postgres")])
}

/// Whether the value of an analysed expression can depend on them.
///
/// PostgreSQL's own STABLE functions count, and those of others that take or return a date or a time: what another one reads
/// is its author's. What is marked IMMUTABLE is taken for it. Constants that are dates or times have been read in the
/// session already, and count only where that is asked.
///
/// # Safety
/// The expression is a tree of nodes, palloc'd, or null.
pub unsafe fn depends_on_session(node: *mut pg_sys::Node, mut constants: bool) -> bool {
    // SAFETY: as for this function; the context is what `depends` takes it for.
    unsafe { depends(node, (&raw mut constants).cast()) }
}

#[pg_guard]
unsafe extern "C-unwind" fn depends(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: each node is looked at as what its tag says, and the functions of nodes/nodeFuncs.h take any of an expression.
    unsafe {
        if is_a(node, pg_sys::NodeTag::T_SQLValueFunction) {
            return reads_zone((*node.cast::<pg_sys::SQLValueFunction>()).op);
        }
        if is_a(node, pg_sys::NodeTag::T_Const) {
            return *context.cast::<bool>() && is_time((*node.cast::<pg_sys::Const>()).consttype);
        }
        // xmlelement() and its like write times by the session's zone, and the planner does not know it.
        if is_a(node, pg_sys::NodeTag::T_XmlExpr)
            || is_json(node) && pg_sys::contain_mutable_functions(node)
            || pg_sys::expression_tree_walker(with_defaults(node), Some(depends), context)
        {
            return true;
        }
        if !is_fixed_interval(node)
            && (pg_sys::check_functions_in_node(node, Some(is_of_postgres), core::ptr::null_mut())
                || pg_sys::check_functions_in_node(node, Some(is_of_others), core::ptr::null_mut()))
        {
            return true;
        }
        pg_sys::expression_tree_walker(node, Some(depends), context)
    }
}

/// Whether a function in it has a volatile one in the arguments that the call leaves to their defaults, which are no part of
/// the tree before it is planned.
///
/// # Safety
/// The expression is a tree of nodes, palloc'd, or null.
pub unsafe fn has_volatile_defaults(node: *mut pg_sys::Node) -> bool {
    // SAFETY: as for this function; no context is needed.
    unsafe { volatile_defaults(node, core::ptr::null_mut()) }
}

#[pg_guard]
unsafe extern "C-unwind" fn volatile_defaults(
    node: *mut pg_sys::Node,
    context: *mut c_void,
) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: as in `depends`.
    unsafe {
        let arguments = with_defaults(node);
        pg_sys::contain_volatile_functions(arguments)
            || pg_sys::expression_tree_walker(arguments, Some(volatile_defaults), context)
            || pg_sys::expression_tree_walker(node, Some(volatile_defaults), context)
    }
}

/// The arguments of a call that leaves some of them to their defaults, with these; NULL where it leaves none.
///
/// # Safety
/// A node of an expression, palloc'd.
unsafe fn with_defaults(node: *mut pg_sys::Node) -> *mut pg_sys::Node {
    let none = core::ptr::null_mut();
    // SAFETY: looked at as what its tag says. The arguments that are completed, in place, are those of a copy
    // (optimizer/util/clauses.c); the function's row stays until it is released.
    unsafe {
        if !is_a(node, pg_sys::NodeTag::T_FuncExpr) {
            return none;
        }
        let call = &*node.cast::<pg_sys::FuncExpr>();
        let given = PgList::<pg_sys::Node>::from_pg(call.args).len();
        let all = usize::try_from(pg_sys::get_func_nargs(call.funcid)).unwrap_or(0);
        if given >= all {
            return none;
        }
        let function = pg_sys::SearchSysCache1(super::bindings::PROCOID, call.funcid.into());
        if function.is_null() {
            return none;
        }
        let copy = pg_sys::copyObjectImpl(call.args.cast()).cast();
        let arguments =
            pg_sys::expand_function_arguments(copy, false, call.funcresulttype, function);
        pg_sys::ReleaseSysCache(function);
        arguments.cast()
    }
}

/// CURRENT_DATE and its like, but for CURRENT_TIMESTAMP, which is an instant; those that name roles and schemas are no times.
fn reads_zone(function: pg_sys::SQLValueFunctionOp::Type) -> bool {
    use pg_sys::SQLValueFunctionOp::*;
    [
        SVFOP_CURRENT_DATE,
        SVFOP_CURRENT_TIME,
        SVFOP_CURRENT_TIME_N,
        SVFOP_LOCALTIME,
        SVFOP_LOCALTIME_N,
        SVFOP_LOCALTIMESTAMP,
        SVFOP_LOCALTIMESTAMP_N,
    ]
    .contains(&function)
}

/// The constructors and queries of SQL/JSON, which have functions in places that only PostgreSQL's own walker knows.
unsafe fn is_json(node: *mut pg_sys::Node) -> bool {
    const TAGS: &[pg_sys::NodeTag] = &[
        #[cfg(not(feature = "pg15"))]
        pg_sys::NodeTag::T_JsonConstructorExpr,
        #[cfg(not(any(feature = "pg15", feature = "pg16")))]
        pg_sys::NodeTag::T_JsonExpr,
    ];
    // SAFETY: only the tag is read.
    TAGS.iter().any(|tag| unsafe { is_a(node, *tag) })
}

/// A timestamptz plus or minus a constant number of hours or less: days and months would be those of the session's zone.
unsafe fn is_fixed_interval(node: *mut pg_sys::Node) -> bool {
    // SAFETY: looked at as what its tag says; the value of a Const of that type points to an interval, unless it is NULL.
    unsafe {
        if !is_a(node, pg_sys::NodeTag::T_OpExpr) {
            return false;
        }
        let operator = &*node.cast::<pg_sys::OpExpr>();
        let function = u32::from(pg_sys::get_opcode(operator.opno));
        [
            pg_sys::F_TIMESTAMPTZ_PL_INTERVAL,
            pg_sys::F_TIMESTAMPTZ_MI_INTERVAL,
        ]
        .contains(&function)
            && PgList::<pg_sys::Node>::from_pg(operator.args)
                .tail()
                .filter(|argument| is_a(*argument, pg_sys::NodeTag::T_Const))
                .map(|argument| &*argument.cast::<pg_sys::Const>())
                .filter(|constant| !constant.constisnull)
                .map(|constant| &*constant.constvalue.cast_mut_ptr::<pg_sys::Interval>())
                .is_some_and(|interval| interval.day == 0 && interval.month == 0)
    }
}

/// A STABLE function of PostgreSQL's own, and not the clock; or one that should be.
#[pg_guard]
unsafe extern "C-unwind" fn is_of_postgres(function: pg_sys::Oid, _context: *mut c_void) -> bool {
    let oid = u32::from(function);
    // SAFETY: the function is one that the expression calls.
    let is_stable = || !CLOCKS.contains(&oid) && unsafe { is_stable(function) };
    oid == BY_ZONE || oid < pg_sys::FirstNormalObjectId && is_stable()
}

/// A STABLE function of others that takes or returns a date or a time.
#[pg_guard]
unsafe extern "C-unwind" fn is_of_others(function: pg_sys::Oid, _context: *mut c_void) -> bool {
    // SAFETY: the function is one that the expression calls. Its arguments' types are palloc'd, as many as it says.
    unsafe {
        if u32::from(function) < pg_sys::FirstNormalObjectId || !is_stable(function) {
            return false;
        }
        let (mut types, mut count) = (core::ptr::null_mut(), 0);
        let result = pg_sys::get_func_signature(function, &mut types, &mut count);
        is_time(result)
            || (0..usize::try_from(count).unwrap_or(0))
                .any(|argument| is_time(*types.add(argument)))
    }
}

unsafe fn is_stable(function: pg_sys::Oid) -> bool {
    // SAFETY: looked up in the catalog, where it is.
    unsafe { byte_of(pg_sys::func_volatile(function)) == pg_sys::PROVOLATILE_STABLE }
}

/// A date, a time, or several of them: an array, a range; or a row, which may have some.
unsafe fn is_time(of: pg_sys::Oid) -> bool {
    const TIMES: [pg_sys::Oid; 5] = [
        pg_sys::TIMESTAMPTZOID,
        pg_sys::TIMESTAMPOID,
        pg_sys::DATEOID,
        pg_sys::TIMETZOID,
        pg_sys::TIMEOID,
    ];
    let mut of = of;
    // SAFETY: looked up in the catalog. No type is one of itself, so that there is a last one.
    unsafe {
        loop {
            of = pg_sys::getBaseType(of);
            let parts = [
                pg_sys::get_element_type(of),
                pg_sys::get_multirange_range(of),
                pg_sys::get_range_subtype(of),
            ];
            match parts.into_iter().find(|part| *part != pg_sys::InvalidOid) {
                Some(part) => of = part,
                None => return TIMES.contains(&of) || pg_sys::type_is_rowtype(of),
            }
        }
    }
}
