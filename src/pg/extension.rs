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

/// The schema of this extension's relations, quoted where SQL needs it, and their owner; `None` where it is not installed
/// in this database. Who owns the extension may make relations of their own members of it; those are no superuser's.
///
/// Until the transaction ends the extension stays: DROP EXTENSION locks it before its objects (catalog/dependency.c), and
/// in an order of its own, so that who locks one of these without it can deadlock with that.
pub fn extension_schema() -> Option<(String, pg_sys::Oid)> {
    let extension = extension(NAME)?;
    // SAFETY: a lock (storage/lmgr/lmgr.c); whether the extension is still there is looked up afterwards.
    unsafe {
        let lock = int(pg_sys::AccessShareLock);
        pg_sys::LockDatabaseObject(pg_sys::ExtensionRelationId, extension, 0, lock);
    }
    policies_by_name(extension).or_else(policies_by_membership)
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

fn policies_of(extension: pg_sys::Oid) -> Option<pg_sys::Oid> {
    // SAFETY: look-ups in the catalog caches, and by an index in pg_depend; what is not there has no oid.
    unsafe {
        let schema = pg_sys::get_namespace_oid(NAME.as_ptr(), true);
        let policies = pg_sys::get_relname_relid(c"policy".as_ptr(), schema);
        if policies == pg_sys::InvalidOid
            || pg_sys::getExtensionOfObject(pg_sys::RelationRelationId, policies) != extension
        {
            return None;
        }
        let owner = super::owner(policies)?;
        pg_sys::superuser_arg(owner).then_some(policies)
    }
}

fn policies_by_membership() -> Option<(String, pg_sys::Oid)> {
    let row = super::query(
        "SELECT pg_catalog.quote_ident(n.nspname::pg_catalog.text), c.relowner \
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
    let owner: u32 = columns.next()?.parse().ok()?;
    Some((schema, owner.into()))
}
