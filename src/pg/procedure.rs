//! How a function is called: as a trigger, or as a procedure that commits.

use super::c::int;
use super::memory::set_memory_aside;
use super::transaction::refusal;
use crate::refusal::Refusal;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::{IntoDatum, PgTryBuilder, direct_function_call_as_datum, is_a, pg_sys};
use std::panic::AssertUnwindSafe;
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

/// Runs something of a [`NonatomicCall`]'s that ends transactions. Where it fails, be it by an ERROR, `record` writes that down in
/// a transaction of its own, if it can, before the failure goes on as it was. The current transaction is failed when `record`
/// is called: it has to roll it back first, or leave everything as it is.
pub fn record_error<C, T>(
    context: &mut C,
    action: impl FnOnce(&mut C) -> Result<T, Refusal>,
    record: impl Fn(&mut C, &Refusal),
) -> Result<T, Refusal> {
    // SAFETY: the memory context that the call began in lives as long as the call; errors are copied into it.
    unsafe {
        let memory = pg_sys::CurrentMemoryContext;
        let outcome = PgTryBuilder::new(AssertUnwindSafe(|| Ok(action(context))))
            .catch_others(|error| {
                pg_sys::CurrentMemoryContext = memory;
                let refusal = refusal(&error);
                match error {
                    CaughtError::PostgresError(_) => {
                        Err((refusal, Error::InC(pg_sys::CopyErrorData())))
                    }
                    CaughtError::ErrorReport(_) => Err((refusal, Error::InRust(Box::new(error)))),
                    CaughtError::RustPanic { .. } => error.rethrow(),
                }
            })
            .execute();
        match outcome {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(refusal)) => {
                record(context, &refusal);
                Err(refusal)
            }
            Err((refusal, error)) => {
                PgTryBuilder::new(AssertUnwindSafe(|| {
                    if close_inner_connections() {
                        pg_sys::CurrentMemoryContext = memory;
                        record(context, &refusal);
                    }
                }))
                .catch_others(|_| ())
                .execute();
                pg_sys::CurrentMemoryContext = memory;
                match error {
                    Error::InC(error) => go_on(error),
                    Error::InRust(error) => error.rethrow(),
                }
            }
        }
    }
}

/// Goes on with an ERROR.
///
/// # Safety
/// It is no longer on the error stack, and its copy is still there.
#[cfg_attr(
    not(any(feature = "pg18", feature = "pg19")),
    allow(
        unreachable_code,
        reason = "later versions bind it as a function that returns"
    )
)]
unsafe fn go_on(error: *mut pg_sys::ErrorData) -> ! {
    // SAFETY: as the caller says.
    unsafe { pg_sys::ReThrowError(error) };
    unreachable!("an ERROR does not return")
}

/// An ERROR that is to go on.
enum Error {
    InC(*mut pg_sys::ErrorData),
    InRust(Box<CaughtError>),
}

/// Closes the connections to SPI that an ERROR has left open, those of statements: they are atomic. False where the call's own
/// is not there, or the call is in a subtransaction.
///
/// # Safety
/// In a [`NonatomicCall`], after an ERROR.
unsafe fn close_inner_connections() -> bool {
    // SAFETY: frees the memory of statements that are not gone on with. What the abort looks at is elsewhere: in
    // TopTransactionContext, in TopMemoryContext, and in the caches. A lightweight lock that the ERROR has left held is
    // released as the abort does it, first of all.
    unsafe {
        if pg_sys::GetCurrentTransactionNestLevel() > 1 {
            return false;
        }
        pg_sys::LWLockReleaseAll();
        while !pg_sys::SPI_inside_nonatomic_context() {
            if pg_sys::SPI_finish() < 0 {
                return false;
            }
        }
    }
    true
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
