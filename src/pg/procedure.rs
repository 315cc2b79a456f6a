//! How a function is called: as a trigger, or as a procedure that commits.

use super::c::int;
use super::memory::set_memory_aside;
use pgrx::{IntoDatum, direct_function_call_as_datum, is_a, pg_sys};
use std::time::Duration;

/// CALLED_AS_TRIGGER() of commands/trigger.h.
///
/// # Safety
/// `fcinfo` is that of the function that is running.
pub unsafe fn is_called_as_trigger(fcinfo: pg_sys::FunctionCallInfo) -> bool {
    // SAFETY: the context is NULL or a node.
    unsafe {
        let context = (*fcinfo).context;
        !context.is_null() && is_a(context, pg_sys::NodeTag::T_TriggerData)
    }
}

/// A CALL that may end transactions: connected to SPI as such until it is dropped.
pub struct NonatomicCall(());

impl NonatomicCall {
    /// `None` in a transaction block, or in anything else that is one transaction from outside.
    ///
    /// # Safety
    /// `fcinfo` is that of the procedure that is running.
    pub unsafe fn begin(fcinfo: pg_sys::FunctionCallInfo) -> Option<NonatomicCall> {
        // SAFETY: the context of a CALL is a CallContext node (commands/functioncmds.c, ExecuteCallStmt).
        unsafe {
            let context = (*fcinfo).context;
            if context.is_null()
                || !is_a(context, pg_sys::NodeTag::T_CallContext)
                || (*context.cast::<pg_sys::CallContext>()).atomic
            {
                return None;
            }
            pg_sys::SPI_connect_ext(int(pg_sys::SPI_OPT_NONATOMIC));
        }
        Some(NonatomicCall(()))
    }

    /// Commits the transaction and begins the next. What the transaction's memory contexts held is gone.
    pub fn commit(&mut self) {
        // SAFETY: connected as nonatomic, and the innermost connection: those of statements are closed again.
        unsafe { pg_sys::SPI_commit() }
        set_memory_aside();
    }

    /// Aborts the transaction and begins the next.
    pub fn roll_back(&mut self) {
        // SAFETY: as for `commit`.
        unsafe { pg_sys::SPI_rollback() }
        set_memory_aside();
    }
}

impl Drop for NonatomicCall {
    fn drop(&mut self) {
        // While an ERROR unwinds, the abort closes the connection.
        if !std::thread::panicking() {
            // SAFETY: closes what `begin` opened.
            unsafe {
                pg_sys::SPI_finish();
            }
        }
    }
}

/// Sleeps, and answers to cancels and shutdowns meanwhile.
pub fn sleep(duration: Duration) {
    if !duration.is_zero() {
        // SAFETY: takes a float8 of seconds, returns void (utils/adt/misc.c).
        unsafe {
            direct_function_call_as_datum(
                pg_sys::pg_sleep,
                &[Some(pg_sys::Datum::from(duration.as_secs_f64().to_bits()))],
            );
        }
    }
}

/// The row that a procedure with one INOUT parameter returns.
pub fn procedure_result<T: IntoDatum>(name: &core::ffi::CStr, value: T) -> pg_sys::Datum {
    // SAFETY: a descriptor of one attribute, one value of its type, no NULL; all palloc'd in the caller's memory context,
    // where the CALL reads the result (commands/functioncmds.c, ExecuteCallStmt).
    unsafe {
        let descriptor = pg_sys::CreateTemplateTupleDesc(1);
        pg_sys::TupleDescInitEntry(descriptor, 1, name.as_ptr(), T::type_oid(), -1, 0);
        let descriptor = pg_sys::BlessTupleDesc(descriptor);
        let mut values = [value.into_datum().expect("it is not NULL")];
        let mut nulls = [false];
        let tuple = pg_sys::heap_form_tuple(descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
        pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data)
    }
}
