//! A table for which everything has been checked that has to be, in the order in which it has to be.
//!
//! The order is that of PostgreSQL's own maintenance functions: arguments, lock, kind of relation, the caller's rights, and
//! only then what the rule means for the columns, the right to read them, the guard against other clearings, and whether
//! the numbers can be what the rule takes them for.

use super::plausible::{check_plausible, check_plausible_here};
use super::{Criterion, Rule, check_may_read, guard, lock_against_others, open};
use crate::pg::{self, LocalSetting, LockMode, Relation, TableGuard};
use crate::refusal::Refusal;
use pgrx::pg_sys;

/// What a table is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To delete in this transaction.
    Delete,
    /// To delete in many transactions: the guard is the session's, and the caller's to keep.
    Run,
    /// To go on with such a run.
    Resume,
    /// To rewrite it; locked in this mode.
    Rewrite(LockMode),
    /// To say what a call would do.
    Preview,
    /// To estimate what there is to do.
    Estimate,
    /// To do it later.
    Schedule,
}

impl Purpose {
    fn lock(self) -> LockMode {
        match self {
            Purpose::Delete | Purpose::Run | Purpose::Resume | Purpose::Schedule => {
                LockMode::RowExclusive
            }
            Purpose::Rewrite(lock) => lock,
            Purpose::Preview | Purpose::Estimate => LockMode::AccessShare,
        }
    }

    fn looks_at_values(self) -> bool {
        !matches!(self, Purpose::Estimate | Purpose::Schedule)
    }
}

/// A table that is open and locked, whose rule has been resolved, and which the caller may clear by it. There is no other
/// way to one of these than to have all of that checked; it is true until the transaction ends.
pub struct Checked {
    root: Relation,
    criterion: Criterion,
    purpose: Purpose,
    guard: Option<TableGuard>,
    /// What the rule is evaluated with.
    _session: Option<LocalSetting>,
}

impl Checked {
    /// Opens the table as of now. Refuses whatever keeps a call with these arguments from being carried out.
    pub fn open(
        table: Option<pg_sys::Oid>,
        rule: &Rule,
        purpose: Purpose,
    ) -> Result<Checked, Refusal> {
        Checked::open_at(table, rule, purpose, pg::now())
    }

    /// The same as of an earlier clock: for a run that has begun.
    pub fn open_at(
        table: Option<pg_sys::Oid>,
        rule: &Rule,
        purpose: Purpose,
        now: i64,
    ) -> Result<Checked, Refusal> {
        let root = open(table, purpose.lock())?;
        let criterion = Criterion::resolve_at(&root, rule, now)?;
        let session = criterion.session();
        check_may_read(&root, &criterion)?;
        let held = match purpose {
            Purpose::Delete | Purpose::Rewrite(_) => {
                lock_against_others(&root)?;
                None
            }
            Purpose::Run => Some(guard(&root)?),
            Purpose::Resume | Purpose::Preview | Purpose::Estimate | Purpose::Schedule => None,
        };
        match purpose {
            Purpose::Run | Purpose::Resume => check_plausible_here(&root, &criterion, rule)?,
            _ if purpose.looks_at_values() => check_plausible(&root, &criterion, rule)?,
            _ => (),
        }
        Ok(Checked {
            root,
            criterion,
            purpose,
            guard: held,
            _session: session,
        })
    }

    pub fn root(&self) -> &Relation {
        &self.root
    }

    pub fn criterion(&self) -> &Criterion {
        &self.criterion
    }

    /// The lock that the table is open with.
    pub fn lock(&self) -> LockMode {
        self.purpose.lock()
    }

    /// Whether all is deleted in this transaction.
    pub fn is_one_call(&self) -> bool {
        self.purpose == Purpose::Delete
    }

    /// Whether nothing is to be deleted from it.
    pub fn is_preview(&self) -> bool {
        self.lock() == LockMode::AccessShare
    }

    /// The guard of a run, to be kept for as long as it lasts.
    pub fn take_guard(&mut self) -> Option<TableGuard> {
        self.guard.take()
    }

    /// Closes the table; the lock stays.
    pub fn into_criterion(self) -> Criterion {
        self.criterion
    }

    /// What it consists of.
    pub fn into_parts(self) -> (Relation, Criterion) {
        (self.root, self.criterion)
    }
}
