//! Whether what an expression makes of a row depends on which role acts: the worker acts as the table's owner.

use super::search_path::own_name;
use core::ffi::c_void;
use pgrx::prelude::*;
use pgrx::{is_a, pg_sys};

/// Whether the value of an analysed expression can be another one to this role as that of the session than it is to a table's owner.
///
/// # Safety
/// The expression is a tree of nodes, palloc'd.
pub(super) unsafe fn depends_on_role(node: *mut pg_sys::Node, mut owner: pg_sys::Oid) -> bool {
    // SAFETY: as for this function; the context is what `depends` takes it for.
    unsafe { depends(node, (&raw mut owner).cast()) }
}

#[pg_guard]
unsafe extern "C-unwind" fn depends(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    use pg_sys::SQLValueFunctionOp::*;
    if node.is_null() {
        return false;
    }
    // SAFETY: each node is looked at as what its tag says, and the functions of nodes/nodeFuncs.h take any of an expression. The
    // context points to the owner.
    unsafe {
        if is_a(node, pg_sys::NodeTag::T_SQLValueFunction) {
            let owner = *context.cast::<pg_sys::Oid>();
            return match (*node.cast::<pg_sys::SQLValueFunction>()).op {
                SVFOP_CURRENT_ROLE | SVFOP_CURRENT_USER | SVFOP_USER => {
                    pg_sys::GetUserId() != owner
                }
                SVFOP_SESSION_USER => pg_sys::GetSessionUserId() != owner,
                _ => false,
            };
        }
        pg_sys::check_functions_in_node(node, Some(asks), context)
            || pg_sys::expression_tree_walker(node, Some(depends), context)
    }
}

/// Whether a function of PostgreSQL's says who acts, or what who acts may do (utils/adt/acl.c, name.c).
#[pg_guard]
unsafe extern "C-unwind" fn asks(function: pg_sys::Oid, context: *mut c_void) -> bool {
    // SAFETY: the function is one that the expression calls. The context points to the owner.
    unsafe {
        let owner = *context.cast::<pg_sys::Oid>();
        let name = own_name(function);
        // Others of the same name are told whose privileges are meant.
        let arguments = match name.starts_with(b"has_column") {
            true => 3,
            false => 2,
        };
        let asks = match name {
            b"session_user" => return pg_sys::GetSessionUserId() != owner,
            b"current_user" | b"getpgusername" | b"row_security_active" => true,
            b"pg_has_role" => pg_sys::get_func_nargs(function) == 2,
            name if name.starts_with(b"has_") && name.ends_with(b"_privilege") => {
                pg_sys::get_func_nargs(function) == arguments
            }
            _ => false,
        };
        asks && pg_sys::GetUserId() != owner
    }
}
