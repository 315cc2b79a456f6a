//! The databases in which the worker fails before it comes to a table, in shared memory. The launcher writes them.

use crate::words::{Words, from_text, to_text};
use pgrx::pg_sys;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// How many databases that fail can be told of at a time.
const FAILING_DATABASES: usize = 256;

/// The words of an error's text, which is cut short.
pub const ERROR_WORDS: usize = 32;

/// What a worker says of a database that is listed by its name and has not got the extension. No failure that it backs off from.
pub const NOT_INSTALLED: &str = "extension \"raw_clear_sessions\" is not installed";

pub struct Failures([Failure; FAILING_DATABASES]);

struct Failure {
    /// 0: nothing to tell.
    database: AtomicU32,
    /// It is tried again within seconds.
    is_short: AtomicBool,
    error: Words<ERROR_WORDS>,
}

impl Failures {
    /// What the worker last failed with in a database, before it came to a table; and whether it is tried again within
    /// seconds.
    pub fn of(&self, database: pg_sys::Oid) -> Option<(String, bool)> {
        let slot = self.slot(database)?;
        let error = to_text(slot.error.read());
        let is_short = slot.is_short.load(Ordering::Acquire);
        // Unless it has become another database's in the meantime.
        (slot.database.load(Ordering::Acquire) == u32::from(database)).then_some((error, is_short))
    }

    /// Whether a database was listed, and had no extension when its worker last looked.
    pub fn lacks_extension(&self, database: pg_sys::Oid) -> bool {
        self.of(database)
            .is_some_and(|(error, _)| error.ends_with(NOT_INSTALLED))
    }

    fn slot(&self, database: pg_sys::Oid) -> Option<&Failure> {
        let database = u32::from(database);
        self.0
            .iter()
            .find(|slot| slot.database.load(Ordering::Acquire) == database)
    }

    /// What a database's worker has failed with. Where too many fail, the first of them is told no longer; the log has them
    /// all.
    pub fn note(&self, database: pg_sys::Oid, error: &str, is_short: bool) {
        let slot = self
            .slot(database)
            .or_else(|| self.slot(pg_sys::InvalidOid))
            .unwrap_or(&self.0[0]);
        slot.database.store(0, Ordering::Release);
        slot.error.write(from_text(error));
        slot.is_short.store(is_short, Ordering::Release);
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
