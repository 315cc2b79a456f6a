//! The databases in which the worker fails before it comes to a table, in shared memory. The launcher writes them.

use crate::words::{Words, from_text, to_text};
use pgrx::pg_sys;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

/// How many databases that fail can be told of at a time.
const FAILING_DATABASES: usize = 256;

/// The words of an error's text, which is cut short.
pub const ERROR_WORDS: usize = 32;

/// What keeps the worker from the tables of a database, or from some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An error.
    Error = 1,
    /// Somebody has locked the extension's relations: it is tried again within seconds.
    LockedOut,
    /// The database is listed by its name, and has not got the extension. No failure that the worker backs off from.
    NotInstalled,
}

pub struct Failures([Failure; FAILING_DATABASES]);

struct Failure {
    /// 0: nothing to tell.
    database: AtomicU32,
    /// By [`Kind`].
    kind: AtomicU32,
    /// When a database that is left alone for it is tried again; 0: it is not.
    next_try: AtomicI64,
    error: Words<ERROR_WORDS>,
}

impl Kind {
    fn from_number(number: u32) -> Kind {
        let all = [Kind::LockedOut, Kind::NotInstalled];
        let found = all.into_iter().find(|kind| *kind as u32 == number);
        found.unwrap_or(Kind::Error)
    }
}

impl Failures {
    /// What the worker last failed with in a database, before it came to a table.
    pub fn of(&self, database: pg_sys::Oid) -> Option<(Kind, String)> {
        let slot = self.slot(database)?;
        let error = to_text(slot.error.read());
        let kind = Kind::from_number(slot.kind.load(Ordering::Acquire));
        // Unless it has become another database's in the meantime.
        (slot.database.load(Ordering::Acquire) == u32::from(database)).then_some((kind, error))
    }

    /// Whether a database was listed, and had no extension when its worker last looked.
    pub fn lacks_extension(&self, database: pg_sys::Oid) -> bool {
        self.of(database)
            .is_some_and(|(kind, _)| kind == Kind::NotInstalled)
    }

    /// When a database that is left alone because its worker has failed is tried again.
    pub fn next_try(&self, database: pg_sys::Oid) -> Option<i64> {
        let next_try = self.slot(database)?.next_try.load(Ordering::Acquire);
        (next_try != 0).then_some(next_try)
    }

    /// A database is left alone until then; `None`: no longer.
    pub fn set_next_try(&self, database: pg_sys::Oid, instant: Option<i64>) {
        if let Some(slot) = self.slot(database) {
            let instant = instant.unwrap_or(0);
            slot.next_try.store(instant, Ordering::Release);
        }
    }

    fn slot(&self, database: pg_sys::Oid) -> Option<&Failure> {
        let database = u32::from(database);
        self.0
            .iter()
            .find(|slot| slot.database.load(Ordering::Acquire) == database)
    }

    /// What a database's worker has failed with. Where too many fail, the first of them is told no longer; the log has them
    /// all.
    pub fn note(&self, database: pg_sys::Oid, kind: Kind, error: &str) {
        let slot = self
            .slot(database)
            .or_else(|| self.slot(pg_sys::InvalidOid))
            .unwrap_or(&self.0[0]);
        slot.database.store(0, Ordering::Release);
        slot.error.write(from_text(error));
        slot.kind.store(kind as u32, Ordering::Release);
        slot.next_try.store(0, Ordering::Release);
        slot.database.store(database.into(), Ordering::Release);
    }

    /// A database's worker fails no longer.
    pub fn forget(&self, database: pg_sys::Oid) {
        if let Some(slot) = self.slot(database) {
            slot.database.store(0, Ordering::Release);
        }
    }

    /// Keeps what is told of these databases only.
    pub fn retain(&self, which: impl Fn(pg_sys::Oid) -> bool) {
        for slot in &self.0 {
            if !which(slot.database.load(Ordering::Acquire).into()) {
                slot.database.store(0, Ordering::Release);
            }
        }
    }
}
