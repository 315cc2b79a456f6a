//! Extensions of this database, and where this one's relations are.

use super::c::int;
use crate::refusal::Refusal;
use core::ffi::CStr;
use pgrx::prelude::PgSqlErrorCode;
use pgrx::{PgList, pg_sys};
use std::time::{Duration, Instant};

const NAME: &CStr = c"raw_clear_sessions";

/// Whether an extension is installed in this database.
pub fn extension_installed(name: &CStr) -> bool {
    extension(name).is_some()
}

fn extension(name: &CStr) -> Option<pg_sys::Oid> {
    // SAFETY: a catalog look-up; the name is only read, and a missing extension is no ERROR.
    let oid = unsafe { pg_sys::get_extension_oid(name.as_ptr(), true) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// A function of this extension as a call from the session has to write it: with its schema where the search_path does not
/// lead to it, or another function of that name is there that could be meant as well.
pub fn name_of_function(name: &str) -> String {
    let found = super::query(
        "SELECT CASE WHEN pg_catalog.pg_function_is_visible(p.oid) AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc o \
         WHERE o.proname OPERATOR(pg_catalog.=) p.proname AND o.oid OPERATOR(pg_catalog.<>) p.oid) \
         THEN pg_catalog.quote_ident(p.proname) ELSE pg_catalog.format('%I.%I', n.nspname, p.proname) END \
         FROM pg_catalog.pg_extension e \
         JOIN pg_catalog.pg_depend d ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass \
         AND d.refobjid OPERATOR(pg_catalog.=) e.oid AND d.deptype OPERATOR(pg_catalog.=) 'e' \
         AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass \
         JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) d.objid \
         AND p.proname OPERATOR(pg_catalog.=) $1::pg_catalog.name \
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace \
         WHERE e.extname OPERATOR(pg_catalog.=) 'raw_clear_sessions'",
        &[super::Argument::text(name)],
    );
    found.into_iter().next().unwrap_or_else(|| name.to_owned())
}

/// The relations that its functions and the worker read and write.
const RELATIONS: [&CStr; 6] = [
    c"policy",
    c"state",
    c"history",
    c"history_id_seq",
    c"origin",
    c"scheduled",
];

/// The schema of this extension's relations, quoted where SQL needs it, and their owner; `None` where it is not installed
/// in this database. Who owns the extension may make relations of their own members of it; those are no superuser's.
///
/// Until the transaction ends the relations stay: DROP EXTENSION locks them in an order of its own (catalog/dependency.c), so
/// that who locks one after the other can deadlock with it. All of them are locked here, none is waited for with another in
/// hand. A lock on the extension itself would do as well, but for any role that holds one that conflicts: ALTER FUNCTION ...
/// DEPENDS ON EXTENSION asks for no right on the extension.
///
/// Here, too, somebody without rights can keep others waiting: CREATE RULE and CREATE TRIGGER ask for their lock, and wait for
/// it, before PostgreSQL looks whether the table is the caller's. So this is for who can be told to wait: see
/// [`extension_schema_within`] for who cannot.
pub fn extension_schema() -> Option<(String, pg_sys::Oid)> {
    let wait = |schema| {
        while let Err(busy) = try_to_lock_relations(schema, Use::Read) {
            // SAFETY: a lock (storage/lmgr/lmgr.c), waited for while none of the others is held, and given back.
            unsafe {
                let lock = int(pg_sys::AccessShareLock);
                pg_sys::LockRelationOid(busy, lock);
                pg_sys::UnlockRelationOid(busy, lock);
            }
        }
        Ok(())
    };
    located(wait).unwrap_or_default()
}

/// The same for who reads and writes what is in them: locks all that a statement on them locks, so that none has to wait in
/// this transaction. Refuses (55006) where that does not come in so much time, in which nothing is held; the transaction
/// goes on as before.
pub fn extension_schema_within(
    patience: Duration,
) -> Result<Option<(String, pg_sys::Oid)>, Refusal> {
    let began = Instant::now();
    located(|schema| {
        while let Err(busy) = try_to_lock_relations(schema, Use::Write) {
            if began.elapsed() >= patience {
                return Err(locked_by_others(busy));
            }
            super::wait(Some(LOOK_AGAIN));
        }
        Ok(())
    })
}

/// How soon to look again whether a lock is free.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Finds the schema and the owner after `lock` has locked what is there.
fn located(
    lock: impl Fn(pg_sys::Oid) -> Result<(), Refusal>,
) -> Result<Option<(String, pg_sys::Oid)>, Refusal> {
    if extension(NAME).is_none() {
        return Ok(None);
    }
    // SAFETY: a look-up in the catalog cache; what is not there has no oid.
    lock(unsafe { pg_sys::get_namespace_oid(NAME.as_ptr(), true) })?;
    let Some(extension) = extension(NAME) else {
        return Ok(None);
    };
    if let Some(found) = policies_by_name(extension) {
        return Ok(Some(found));
    }
    let Some((_, policies)) = policies_by_membership() else {
        return Ok(None);
    };
    // SAFETY: a look-up in the catalog cache.
    lock(unsafe { pg_sys::get_rel_namespace(policies) })?;
    let found = policies_by_membership();
    Ok(found.and_then(|(schema, policies)| Some((schema, super::owner(policies)?))))
}

/// What is to be done with the relations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// They are to stay; whatever else is locked, is waited for.
    Read,
    /// They and their indexes are to be read and written.
    Write,
}

/// Locks this extension's relations in a schema, until the transaction ends, without waiting; with an `Err` none is locked,
/// because somebody has locked this one, or waits to.
fn try_to_lock_relations(schema: pg_sys::Oid, purpose: Use) -> Result<(), pg_sys::Oid> {
    let mode = int(match purpose {
        Use::Read => pg_sys::AccessShareLock,
        Use::Write => pg_sys::RowExclusiveLock,
    });
    let mut locked = Vec::new();
    let mut lock = |relation: pg_sys::Oid, is_ours: bool| {
        // SAFETY: a lock that is not waited for (storage/lmgr/lmgr.c).
        if unsafe { pg_sys::ConditionalLockRelationOid(relation, mode) } {
            locked.push(relation);
            Ok(true)
        } else if is_ours || is_member(relation) {
            for relation in locked.drain(..) {
                // SAFETY: was taken here.
                unsafe { pg_sys::UnlockRelationOid(relation, mode) };
            }
            Err(relation)
        } else {
            Ok(false)
        }
    };
    for name in RELATIONS {
        // SAFETY: a look-up in the catalog cache; what is not there has no oid.
        let relation = unsafe { pg_sys::get_relname_relid(name.as_ptr(), schema) };
        if relation != pg_sys::InvalidOid && lock(relation, false)? && purpose == Use::Write {
            for index in indexes(relation) {
                lock(index, true)?;
            }
        }
    }
    Ok(())
}

/// The indexes of a relation that is locked.
fn indexes(relation: pg_sys::Oid) -> Vec<pg_sys::Oid> {
    // SAFETY: NULL where it has gone; closed below, and the lock stays. The list is a copy in this memory context.
    unsafe {
        let relation = pg_sys::try_relation_open(relation, int(pg_sys::NoLock));
        if relation.is_null() {
            return Vec::new();
        }
        let list = pg_sys::RelationGetIndexList(relation);
        let indexes = PgList::<pg_sys::Oid>::from_pg(list).iter_oid().collect();
        pg_sys::list_free(list);
        pg_sys::relation_close(relation, int(pg_sys::NoLock));
        indexes
    }
}

fn locked_by_others(relation: pg_sys::Oid) -> Refusal {
    let processes = super::lock_table::in_the_way(relation, int(pg_sys::RowExclusiveLock));
    let name = super::full_name(relation).unwrap_or_default();
    let mut message = format!("{name}, which belongs to the extension, is locked");
    if let Some((first, others)) = processes.split_first() {
        let others: String = others.iter().map(|pid| format!(", {pid}")).collect();
        message += &format!(", or about to be, by process {first}{others}");
    }
    Refusal::new(PgSqlErrorCode::ERRCODE_OBJECT_IN_USE, message)
        .hint("See whose process that is in pg_stat_activity, and what it waits for in pg_locks.")
}

/// This extension's relations and their indexes, and who owns them or the extension: nobody else can be given a lock on them
/// that others wait for. For who cannot look that up.
pub struct Own {
    pub extension: pg_sys::Oid,
    pub owners: [pg_sys::Oid; 2],
    pub relations: Vec<pg_sys::Oid>,
}

impl Own {
    /// In a transaction that has them locked; `None` where the schema has another name than the script gave it.
    pub fn find() -> Option<Own> {
        let extension = extension(NAME)?;
        let policies = policies_of(extension)?;
        // SAFETY: look-ups in the catalog caches; what is not there has no oid.
        let relations = unsafe {
            let schema = pg_sys::get_rel_namespace(policies);
            RELATIONS.map(|name| pg_sys::get_relname_relid(name.as_ptr(), schema))
        };
        let relations = relations
            .into_iter()
            .filter(|relation| *relation != pg_sys::InvalidOid)
            .flat_map(|relation| [vec![relation], indexes(relation)].concat())
            .collect();
        Some(Own {
            extension,
            owners: [super::owner(policies)?, owner_of(extension)?],
            relations,
        })
    }
}

fn owner_of(extension: pg_sys::Oid) -> Option<pg_sys::Oid> {
    let owner = super::query(
        "SELECT e.extowner FROM pg_catalog.pg_extension e WHERE e.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
        &[super::Argument::oid(extension)],
    );
    owner.into_iter().next()
}

/// Whether a relation belongs to this extension, and to a superuser: others may put theirs in the place of ours.
fn is_member(relation: pg_sys::Oid) -> bool {
    extension(NAME).is_some_and(|extension| is_member_of(relation, extension))
}

fn is_member_of(relation: pg_sys::Oid, extension: pg_sys::Oid) -> bool {
    // SAFETY: look-ups in the catalog caches, and by an index in pg_depend.
    unsafe {
        pg_sys::getExtensionOfObject(pg_sys::RelationRelationId, relation) == extension
            && super::owner(relation).is_some_and(|owner| pg_sys::superuser_arg(owner))
    }
}

/// The same where the schema has the name that the script gave it, as nearly always: each transaction of the worker asks for
/// it, and look-ups in the catalog caches take a hundredth of the time of a statement.
fn policies_by_name(extension: pg_sys::Oid) -> Option<(String, pg_sys::Oid)> {
    let owner = super::owner(policies_of(extension)?)?;
    Some((NAME.to_string_lossy().into_owned(), owner))
}

/// This extension's table of policies, where its schema has the name that the script gave it.
pub(super) fn policies() -> Option<pg_sys::Oid> {
    policies_of(extension(NAME)?)
}

/// This extension's table of what is known of tables.
pub(super) fn states() -> Option<pg_sys::Oid> {
    let policies = policies().or_else(|| Some(policies_by_membership()?.1))?;
    // SAFETY: look-ups in the catalog caches; what is not there has no oid.
    let states = unsafe {
        let schema = pg_sys::get_rel_namespace(policies);
        pg_sys::get_relname_relid(c"state".as_ptr(), schema)
    };
    (states != pg_sys::InvalidOid && is_member(states)).then_some(states)
}

fn policies_of(extension: pg_sys::Oid) -> Option<pg_sys::Oid> {
    // SAFETY: look-ups in the catalog caches; what is not there has no oid.
    let policies = unsafe {
        let schema = pg_sys::get_namespace_oid(NAME.as_ptr(), true);
        pg_sys::get_relname_relid(c"policy".as_ptr(), schema)
    };
    (policies != pg_sys::InvalidOid && is_member_of(policies, extension)).then_some(policies)
}

/// The schema, quoted, and the table of policies.
fn policies_by_membership() -> Option<(String, pg_sys::Oid)> {
    let rows = super::query(
        "SELECT pg_catalog.quote_ident(n.nspname::pg_catalog.text), c.oid \
         FROM pg_catalog.pg_extension e \
         JOIN pg_catalog.pg_depend d ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass \
         AND d.refobjid OPERATOR(pg_catalog.=) e.oid AND d.deptype OPERATOR(pg_catalog.=) 'e' \
         AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass \
         JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) d.objid \
         AND c.relname OPERATOR(pg_catalog.=) 'policy' \
         JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) c.relowner AND r.rolsuper \
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
         WHERE e.extname OPERATOR(pg_catalog.=) 'raw_clear_sessions'",
        &[],
    );
    rows.into_iter().next()
}
