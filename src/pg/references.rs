//! What an expression refers to by names that others may get: functions, attributes of composite types, labels of enums. Analysing
//! it once more finds those that have the names then, and no lock keeps them.

use core::ffi::{c_char, c_void};
use pgrx::prelude::*;
use pgrx::{is_a, pg_sys};
use std::collections::BTreeSet;

/// The functions that an analysed expression calls, those of its operators and conversions among them, but for PostgreSQL's own;
/// the attributes that it reads of composite values, and the labels of enums among its constants. In words that are the same as
/// long as they are.
///
/// # Safety
/// The expression is a tree of nodes, palloc'd.
pub(super) unsafe fn objects_named(node: *mut pg_sys::Node) -> BTreeSet<String> {
    let mut objects = BTreeSet::new();
    // SAFETY: the context is what `gather` takes it for.
    unsafe {
        gather(node, (&raw mut objects).cast());
    }
    objects
}

#[pg_guard]
unsafe extern "C-unwind" fn gather(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    // SAFETY: each node is looked at as what its tag says, and the functions of nodes/nodeFuncs.c take any of an expression. The
    // context points to the set.
    unsafe {
        if node.is_null() {
            return false;
        }
        let objects = &mut *context.cast::<BTreeSet<String>>();
        if is_a(node, pg_sys::NodeTag::T_FieldSelect) {
            let select = &*node.cast::<pg_sys::FieldSelect>();
            let value = select.arg.cast::<pg_sys::Node>();
            // Of the table's own row, the number is that of a column.
            if !is_a(value, pg_sys::NodeTag::T_Var) || (*value.cast::<pg_sys::Var>()).varattno != 0
            {
                let composite = pg_sys::getBaseType(pg_sys::exprType(value));
                objects.insert(format!(
                    "attribute {} of type {}",
                    select.fieldnum,
                    u32::from(composite)
                ));
            }
        } else if is_a(node, pg_sys::NodeTag::T_Const) {
            let constant = &*node.cast::<pg_sys::Const>();
            if !constant.constisnull {
                gather_labels(constant, objects);
            }
        }
        pg_sys::check_functions_in_node(node, Some(gather_function), context);
        pg_sys::expression_tree_walker(node, Some(gather), context)
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn gather_function(function: pg_sys::Oid, context: *mut c_void) -> bool {
    if u32::from(function) >= pg_sys::FirstNormalObjectId {
        // SAFETY: the context points to the set.
        let objects = unsafe { &mut *context.cast::<BTreeSet<String>>() };
        objects.insert(format!("function {}", u32::from(function)));
    }
    false
}

/// # Safety
/// The constant is not NULL.
unsafe fn gather_labels(constant: &pg_sys::Const, objects: &mut BTreeSet<String>) {
    let mut add = |label: pg_sys::Datum| {
        objects.insert(format!("label {}", label.value()));
    };
    // SAFETY: a value of the constant's type: an enum is the oid of its label (utils/adt/enum.c), an array of enums has such
    // elements. What deconstruct_array makes is palloc'd.
    unsafe {
        let base = pg_sys::getBaseType(constant.consttype);
        if pg_sys::type_is_enum(base) {
            return add(constant.constvalue);
        }
        let element = pg_sys::get_element_type(base);
        if element != pg_sys::InvalidOid && pg_sys::type_is_enum(pg_sys::getBaseType(element)) {
            let array = pg_sys::pg_detoast_datum(constant.constvalue.cast_mut_ptr());
            let (mut values, mut nulls, mut count) =
                (core::ptr::null_mut(), core::ptr::null_mut(), 0);
            pg_sys::deconstruct_array(
                array.cast(),
                element,
                4,
                true,
                c_char::from_ne_bytes([pg_sys::TYPALIGN_INT]),
                &mut values,
                &mut nulls,
                &mut count,
            );
            for index in 0..usize::try_from(count).unwrap_or_default() {
                if !*nulls.add(index) {
                    add(*values.add(index));
                }
            }
        }
    }
}
