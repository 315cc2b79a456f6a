//! The transactions of a background worker, which nobody else begins or ends; as whom it acts in them; and how it goes
//! on after an ERROR.

use super::c::{byte, int};
use super::lock_wait::is_of_a_locked_row;
use super::memory::set_memory_aside;
use super::table_guard::forget_guard;
use super::{LocalSetting, Relation};
use crate::refusal::Refusal;
use core::ffi::CStr;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::PgSqlErrorCode;
use pgrx::{PgTryBuilder, pg_sys};
use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::ptr;
use std::time::Instant;

thread_local! {
    /// What is allocated between two transactions goes here, and is freed with the next commit. TopMemoryContext, where
    /// CommitTransactionCommand leaves the process, would keep it for ever.
    static BETWEEN: Cell<pg_sys::MemoryContext> = const { Cell::new(ptr::null_mut()) };
}

/// Begins a transaction with a snapshot.
pub fn begin() {
    set_memory_aside();
    // SAFETY: as the workers of PostgreSQL's own test suite begin theirs (src/test/modules/worker_spi).
    unsafe {
        pg_sys::SetCurrentStatementStartTimestamp();
        pg_sys::StartTransactionCommand();
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
    }
}

/// Commits, and reports to the statistics system what was done, so that autovacuum learns of it.
pub fn commit() {
    // SAFETY: ends what `begin` began; the caller has popped what it pushed besides.
    unsafe {
        pg_sys::PopActiveSnapshot();
        pg_sys::CommitTransactionCommand();
        pg_sys::pgstat_report_stat(false);
    }
    leave_transaction_memory();
}

/// Aborts the transaction, also what it has done on other servers.
pub fn roll_back() {
    // SAFETY: ends what `begin` began, with its snapshots and subtransactions, as ROLLBACK does (tcop/postgres.c).
    unsafe { pg_sys::AbortCurrentTransaction() }
    leave_transaction_memory();
}

/// Sends what is not yet sent to the statistics system.
pub fn report_statistics() {
    // SAFETY: outside of a transaction.
    unsafe {
        pg_sys::pgstat_report_stat(true);
    }
}

fn leave_transaction_memory() {
    // SAFETY: the context is made once in a process and never deleted; nothing of what it holds is used after a commit.
    unsafe {
        let mut context = BETWEEN.get();
        if context.is_null() {
            context = pg_sys::AllocSetContextCreateInternal(
                pg_sys::TopMemoryContext,
                c"raw_clear_sessions".as_ptr(),
                pg_sys::ALLOCSET_SMALL_MINSIZE as usize,
                pg_sys::ALLOCSET_SMALL_INITSIZE as usize,
                pg_sys::ALLOCSET_SMALL_MAXSIZE as usize,
            );
            BETWEEN.set(context);
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::MemoryContextReset(context);
    }
}

/// Runs something that begins and ends transactions. After an ERROR the transaction is aborted, everything that the
/// session held is released, and the ERROR is returned.
///
/// FATAL, which is what SIGTERM means, ends the process and does not come back.
pub fn catch<T>(action: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    let outcome = PgTryBuilder::new(AssertUnwindSafe(action))
        .catch_others(|error| Err(refusal(&error)))
        .execute();
    if outcome.is_err() {
        // SAFETY: the ERROR has been copied, and `execute` has taken it off the error stack, as it does after each
        // handler that returns; the Rust frames above have been unwound. Aborting restores the role, the settings and
        // the snapshots, and releases locks but for those of the session.
        unsafe {
            pg_sys::AbortCurrentTransaction();
            // Between two transactions there is nothing to abort, and what the table's owner's code may have locked stays.
            forget_guard();
            pg_sys::LockReleaseSession(byte(pg_sys::USER_LOCKMETHOD).into());
        }
        leave_transaction_memory();
    }
    outcome
}

/// The classes of SQLSTATEs that say that a statement cannot be carried out for a row: data, constraints, triggers, what
/// functions raise. Not a deadlock, nor a lack of resources.
const OF_A_ROW: [&str; 10] = ["21", "22", "23", "27", "2F", "38", "39", "42", "44", "P0"];

/// Those of a cancel and of a lock that was waited for too long: a trigger can raise them as well, for a row, and the lock can
/// be a row's.
fn is_of_an_interrupt(sqlstate: PgSqlErrorCode) -> bool {
    matches!(
        sqlstate,
        PgSqlErrorCode::ERRCODE_QUERY_CANCELED | PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE
    )
}

/// Whether an ERROR may be a row's.
pub fn is_of_a_row(error: &Refusal) -> bool {
    let sqlstate = super::sqlstate_text(error.sqlstate());
    OF_A_ROW.iter().any(|class| sqlstate.starts_with(class))
        || is_of_an_interrupt(error.sqlstate()) && !error.is_interrupt()
}

/// Whether it may be one table's, so that other tables can still be cleared: all but a cancel, which is somebody's wish.
pub fn is_of_a_table(error: &Refusal) -> bool {
    !(error.sqlstate() == PgSqlErrorCode::ERRCODE_QUERY_CANCELED && error.is_interrupt())
}

/// Tries something in a subtransaction. An ERROR of which `returned` says so takes back what it did, and is returned;
/// any other one goes on.
pub fn attempt<T>(
    returned: fn(&Refusal) -> bool,
    action: impl FnOnce() -> T,
) -> Result<T, Refusal> {
    in_subtransaction(returned, true, action)
}

/// Does something of which nothing but its result is to stay, no lock either. Any ERROR but a cancel is returned.
pub fn try_out<T>(action: impl FnOnce() -> T) -> Result<T, Refusal> {
    in_subtransaction(is_of_a_table, false, action)
}

fn in_subtransaction<T>(
    returned: fn(&Refusal) -> bool,
    stays: bool,
    action: impl FnOnce() -> T,
) -> Result<T, Refusal> {
    // SAFETY: as PL/pgSQL runs a block with EXCEPTION (pl_exec.c, exec_stmt_block): memory context and resource owner are
    // those of the caller again afterwards. Relations that the caller has open belong to his resource owner and stay open;
    // what `action` has opened, set or acted as is taken back by the subtransaction's abort, which destructors leave to it
    // while an ERROR unwinds. The subtransaction is ended before an ERROR goes on: at the top, where AbortCurrentTransaction
    // (access/transam/xact.c) would find one, it would abort nothing but that, and leave the session in a failed block.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let resources = pg_sys::CurrentResourceOwner;
        pg_sys::BeginInternalSubTransaction(ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
        let outcome = PgTryBuilder::new(AssertUnwindSafe(|| Ok(action())))
            .catch_others(|error| {
                let refusal = refusal(&error);
                if returned(&refusal) {
                    Err(refusal)
                } else {
                    pg_sys::RollbackAndReleaseCurrentSubTransaction();
                    pg_sys::MemoryContextSwitchTo(context);
                    pg_sys::CurrentResourceOwner = resources;
                    error.rethrow()
                }
            })
            .execute();
        match outcome {
            Ok(_) if stays => pg_sys::ReleaseCurrentSubTransaction(),
            _ => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = resources;
        outcome
    }
}

/// As much of a text as is kept of it, in bytes: the code that raises an ERROR may write as much as it likes.
const MOST_BYTES: usize = 2_000;

/// The beginning of a text that somebody else has written.
pub fn capped(text: &str) -> String {
    let end = text.floor_char_boundary(MOST_BYTES);
    let more = if end < text.len() { " ..." } else { "" };
    format!("{}{more}", &text[..end])
}

pub(super) fn refusal(error: &CaughtError) -> Refusal {
    let (CaughtError::PostgresError(report)
    | CaughtError::ErrorReport(report)
    | CaughtError::RustPanic {
        ereport: report, ..
    }) = error;
    let mut refusal = Refusal::new(report.sql_error_code(), capped(report.message()));
    if let Some(detail) = report.detail() {
        refusal = refusal.detail(capped(detail));
    }
    if let Some(hint) = report.hint() {
        refusal = refusal.hint(capped(hint));
    }
    // Where a cancel, a time limit and a shutdown become an ERROR (tcop/postgres.c), whoever has asked for them.
    if is_of_a_locked_row(refusal.sqlstate()) {
        refusal = refusal.hint(
            "Another session has locked it, or a row that goes with it (ON DELETE CASCADE, a trigger). The other expired rows do not wait for it.",
        );
    } else if report.function_name() == Some("ProcessInterrupts") {
        refusal = refusal.interrupt();
    }
    refusal
}

thread_local! {
    /// The first role that this process has acted as for a table of it, and since when.
    static FIRST_OWNER: Cell<Option<(pg_sys::Oid, Instant)>> = const { Cell::new(None) };
    /// The table whose owner is acted for, and that owner.
    static ACTED_FOR: Cell<Option<(pg_sys::Oid, pg_sys::Oid)>> = const { Cell::new(None) };
}

/// Whether whoever is acted for as the owner of a table still owns it. True for every other table.
pub fn acts_for_its_owner(relation: &Relation) -> bool {
    ACTED_FOR
        .get()
        .is_none_or(|(table, owner)| table != relation.oid() || owner == relation.owner())
}

/// Whom for this process has acted, and since when; `None`: for nobody yet. It acts for nobody else: what an owner's code leaves
/// in a process, and no transaction takes back, such as a connection of dblink's or a variable of a procedural language, is not
/// another owner's to find.
pub fn first_owner() -> Option<(pg_sys::Oid, Instant)> {
    FIRST_OWNER.get()
}

/// Acting as another role, until `end` or the end of the transaction by an ERROR.
pub struct ActingAs {
    role: pg_sys::Oid,
    context: i32,
    settings: i32,
    /// Whom for the process acted before.
    acted_for: Option<(pg_sys::Oid, pg_sys::Oid)>,
}

impl ActingAs {
    /// As autovacuum acts on a table (commands/vacuum.c): with its owner's rights and no more, in a security-restricted
    /// operation, in which code of the owner's (a trigger, a function in an index) can leave nothing behind that would
    /// run with more, and with a search path on which nobody else's objects are. Other than autovacuum as a session of the owner's,
    /// too: functions and policies that go by `session_user` would take the owner for the superuser that the process is.
    ///
    /// `None` where there is no such table (any more). It may get another owner until it is locked. Refuses (55006) to act for
    /// another owner than [`first_owner`].
    pub fn owner_of(table: pg_sys::Oid) -> Result<Option<ActingAs>, Refusal> {
        let Some(owner) = owner(table) else {
            return Ok(None);
        };
        let first = FIRST_OWNER.get().unwrap_or((owner, Instant::now()));
        if first.0 != owner {
            return Err(Refusal::new(
                PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
                "the table has got another owner, whom another process has to act for",
            ));
        }
        let mut acting = ActingAs::begin();
        // SAFETY: a setting of the level that has begun, which `end` or an abort ends; the name is palloc'd, of a role that owns
        // something. The process was started as a superuser, who may be anybody, and it is in no restricted operation yet, in
        // which nobody may be somebody else (commands/variable.c). It makes the role the current one, too (miscinit.c).
        unsafe {
            set_in_level(
                c"session_authorization",
                pg_sys::GetUserNameFromId(owner, false),
            );
        }
        acting.switch(
            owner,
            int(pg_sys::SECURITY_RESTRICTED_OPERATION | pg_sys::SECURITY_LOCAL_USERID_CHANGE),
        );
        // SAFETY: as above.
        unsafe { set_in_level(c"search_path", c"pg_catalog, pg_temp".as_ptr()) };
        FIRST_OWNER.set(Some(first));
        constraints_immediate();
        ACTED_FOR.set(Some((table, owner)));
        Ok(Some(acting))
    }

    /// As who acts now, with a new level of settings.
    fn begin() -> ActingAs {
        let mut acting = ActingAs {
            role: pg_sys::InvalidOid,
            context: 0,
            settings: 0,
            acted_for: ACTED_FOR.get(),
        };
        // SAFETY: in a transaction, which restores role and settings if it is aborted (access/transam/xact.c).
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut acting.role, &mut acting.context);
            acting.settings = pg_sys::NewGUCNestLevel();
        }
        acting
    }

    fn switch(&mut self, role: pg_sys::Oid, flags: i32) {
        // SAFETY: as above.
        unsafe { pg_sys::SetUserIdAndSecContext(role, self.context | flags) }
    }

    pub fn end(self) {
        // SAFETY: in the same transaction as the beginning; what was set since is forgotten. The session's user first is who it
        // was in no restricted operation, as an abort has it, and then the current one may be another.
        unsafe {
            pg_sys::SetUserIdAndSecContext(self.role, self.context);
            pg_sys::AtEOXact_GUC(false, self.settings);
            pg_sys::SetUserIdAndSecContext(self.role, self.context);
        }
    }
}

/// Sets a setting until the level ends that has begun last.
///
/// # Safety
/// In a transaction, in which such a level has begun; the value is a string.
unsafe fn set_in_level(setting: &CStr, value: *const core::ffi::c_char) {
    // SAFETY: both are copied.
    unsafe {
        pg_sys::set_config_option(
            setting.as_ptr(),
            value,
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SAVE,
            true,
            0,
            false,
        );
    }
}

impl Drop for ActingAs {
    /// Also where an ERROR has ended it.
    fn drop(&mut self) {
        ACTED_FOR.set(self.acted_for);
    }
}

/// Does something with this extension's own tables: with their owner's rights, and with a search path on which nobody else's
/// objects are.
pub fn as_owner_of_our_tables<T>(owner: pg_sys::Oid, action: impl FnOnce() -> T) -> T {
    let mut acting = ActingAs::begin();
    acting.switch(owner, int(pg_sys::SECURITY_LOCAL_USERID_CHANGE));
    let outcome = {
        let _path = LocalSetting::system_path();
        action()
    };
    acting.end();
    outcome
}

/// As SET CONSTRAINTS ALL IMMEDIATE: deferred triggers, such as those of foreign keys made by Django, fire at once where
/// they wait, and then with the statement. At commit the role would be another one; PostgreSQL does not let them be
/// deferred past a security-restricted operation.
pub fn constraints_immediate() {
    let mut statement = pg_sys::ConstraintsSetStmt {
        type_: pg_sys::NodeTag::T_ConstraintsSetStmt,
        constraints: ptr::null_mut(),
        deferred: false,
    };
    // SAFETY: in a transaction; no constraints named means all (commands/trigger.c). The statement is only read.
    unsafe { pg_sys::AfterTriggerSetState(&mut statement) }
}

/// The owner of a relation; `None` where it does not exist (any more).
pub fn owner(relation: pg_sys::Oid) -> Option<pg_sys::Oid> {
    // SAFETY: a look-up in the system cache; the tuple is read before it is released.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(super::bindings::RELOID, pg_sys::Datum::from(relation));
        if tuple.is_null() {
            return None;
        }
        let class = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_class>();
        let owner = (*class).relowner;
        pg_sys::ReleaseSysCache(tuple);
        Some(owner)
    }
}

/// Sets a setting of this process for as long as it lives, as SET does: `server_setting` still says what it would be
/// otherwise, and follows a reload. ERROR where the value is not valid.
pub fn set_for_session(name: &CStr, value: &CStr) {
    set_or_reset(name, Some(value));
}

/// Has a setting be what it would be without this session's own SET.
pub fn reset_for_session(name: &CStr) {
    set_or_reset(name, None);
}

fn set_or_reset(name: &CStr, value: Option<&CStr>) {
    // SAFETY: both are copied; without a value, as RESET does it.
    unsafe {
        pg_sys::SetConfigOption(
            name.as_ptr(),
            value.map_or(core::ptr::null(), CStr::as_ptr),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_SESSION,
        );
    }
}

/// Acts as the user that this process was authenticated as, the bootstrap superuser in a background worker, in no other
/// role: ALTER DATABASE and ALTER ROLE can set both. Outside of transactions.
pub fn act_as_authenticated() {
    begin();
    // SAFETY: the name is palloc'd in the transaction, and copied by the setting. The authenticated user may always be
    // the session's (commands/variable.c).
    unsafe {
        let user = pg_sys::GetAuthenticatedUserId();
        let name = CStr::from_ptr(pg_sys::GetUserNameFromId(user, false));
        set_for_session(c"session_authorization", name);
    }
    set_for_session(c"role", c"none");
    commit();
}
