//! Extensions of this database, and where this one's relations are.

use super::c::int;
use core::ffi::CStr;
use pgrx::pg_sys;

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
    let found = found.into_iter().flatten().flatten().next();
    found.unwrap_or_else(|| name.to_owned())
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
/// hand, and only who owns them keeps anybody waiting. A lock on the extension itself would do as well, but for any role that
/// holds one that conflicts: ALTER FUNCTION ... DEPENDS ON EXTENSION asks for no right on the extension.
pub fn extension_schema() -> Option<(String, pg_sys::Oid)> {
    extension(NAME)?;
    // SAFETY: a look-up in the catalog cache; what is not there has no oid.
    let schema = unsafe { pg_sys::get_namespace_oid(NAME.as_ptr(), true) };
    lock_relations(schema);
    if let Some(found) = policies_by_name(extension(NAME)?) {
        return Some(found);
    }
    let (_, policies) = policies_by_membership()?;
    // SAFETY: a look-up in the catalog cache.
    lock_relations(unsafe { pg_sys::get_rel_namespace(policies) });
    let (schema, policies) = policies_by_membership()?;
    Some((schema, super::owner(policies)?))
}

/// Locks this extension's relations in a schema so that they stay, until the transaction ends.
fn lock_relations(schema: pg_sys::Oid) {
    while let Err(busy) = try_to_lock_relations(schema) {
        // SAFETY: a lock (storage/lmgr/lmgr.c), waited for while none of the others is held, and given back.
        unsafe {
            let lock = int(pg_sys::AccessShareLock);
            pg_sys::LockRelationOid(busy, lock);
            pg_sys::UnlockRelationOid(busy, lock);
        }
    }
}

/// The same without waiting; with an `Err` none is locked, because somebody is changing this one.
fn try_to_lock_relations(schema: pg_sys::Oid) -> Result<(), pg_sys::Oid> {
    let lock = int(pg_sys::AccessShareLock);
    let mut locked = [pg_sys::InvalidOid; RELATIONS.len()];
    for (index, name) in RELATIONS.iter().enumerate() {
        // SAFETY: look-ups in the catalog caches, and locks that are not waited for (storage/lmgr/lmgr.c); those that are
        // given back were taken here.
        unsafe {
            let relation = pg_sys::get_relname_relid(name.as_ptr(), schema);
            if relation == pg_sys::InvalidOid {
                continue;
            }
            if pg_sys::ConditionalLockRelationOid(relation, lock) {
                locked[index] = relation;
            } else if is_member(relation) {
                for relation in locked {
                    if relation != pg_sys::InvalidOid {
                        pg_sys::UnlockRelationOid(relation, lock);
                    }
                }
                return Err(relation);
            }
        }
    }
    Ok(())
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
    let row = super::query(
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
    )
    .into_iter()
    .next()?;
    let mut columns = row.into_iter().flatten();
    let schema = columns.next()?;
    let policies: u32 = columns.next()?.parse().ok()?;
    Some((schema, policies.into()))
}
