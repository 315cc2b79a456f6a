//! The current role's rights.

use super::Relation;
use super::c::int;
use pgrx::{IntoDatum, direct_function_call, pg_sys};
use std::ffi::CStr;

/// A privilege on a table or column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    Select,
    Update,
    Delete,
}

impl Privilege {
    fn mode(self) -> pg_sys::AclMode {
        match self {
            Privilege::Select => pg_sys::ACL_SELECT as pg_sys::AclMode,
            Privilege::Update => pg_sys::ACL_UPDATE as pg_sys::AclMode,
            Privilege::Delete => pg_sys::ACL_DELETE as pg_sys::AclMode,
        }
    }
}

/// Whether the current role has a privilege on the table as a whole.
pub fn has_privilege(relation: &Relation, privilege: Privilege) -> bool {
    // SAFETY: a catalog look-up for a relation that is open.
    unsafe {
        pg_sys::pg_class_aclcheck(relation.oid(), pg_sys::GetUserId(), privilege.mode())
            == pg_sys::AclResult::ACLCHECK_OK
    }
}

/// Whether the current role may look up names in the relation's schema.
pub fn may_use_schema(relation: &Relation) -> bool {
    // SAFETY: takes an oid and a text; NULL for a schema that is not there (utils/adt/acl.c), as that of an open relation is.
    let may = unsafe {
        let schema = pg_sys::get_rel_namespace(relation.oid());
        let arguments = [schema.into_datum(), "USAGE".into_datum()];
        direct_function_call::<bool>(pg_sys::has_schema_privilege_id, &arguments)
    };
    may.unwrap_or(false)
}

/// Whether the current role may call a function; also one that is gone, of which its call says so.
pub fn may_execute(function: pg_sys::Oid) -> bool {
    // SAFETY: takes an oid and a text; NULL for a function that is not there (utils/adt/acl.c).
    let may = unsafe {
        let arguments = [function.into_datum(), "EXECUTE".into_datum()];
        direct_function_call::<bool>(pg_sys::has_function_privilege_id, &arguments)
    };
    may.unwrap_or(true)
}

/// A function's name, with its schema and the types of its arguments, as SQL writes it.
pub fn function_name(function: pg_sys::Oid) -> String {
    // SAFETY: the name is palloc'd, also of a function that is not there, and copied (utils/adt/regproc.c).
    unsafe {
        CStr::from_ptr(pg_sys::format_procedure_qualified(function))
            .to_string_lossy()
            .into_owned()
    }
}

/// Whether the current role has a privilege on the column, by itself or through the table.
pub fn has_column_privilege(relation: &Relation, attnum: i16, privilege: Privilege) -> bool {
    let on_table = has_privilege(relation, privilege);
    if on_table || attnum <= 0 {
        return on_table;
    }
    // SAFETY: as above; the column exists, its relation is locked.
    unsafe {
        pg_sys::pg_attribute_aclcheck(
            relation.oid(),
            attnum,
            pg_sys::GetUserId(),
            privilege.mode(),
        ) == pg_sys::AclResult::ACLCHECK_OK
    }
}

/// Whether row-level security policies restrict what the current role sees and deletes.
///
/// ERROR 42501 where they would, but `row_security` is off.
pub fn row_security_applies(relation: &Relation) -> bool {
    // SAFETY: a catalog look-up for a relation that is open (utils/misc/rls.c).
    let outcome = unsafe { pg_sys::check_enable_rls(relation.oid(), pg_sys::InvalidOid, false) };
    outcome == int(pg_sys::CheckEnableRlsResult::RLS_ENABLED)
}

/// Whether row-level security binds a table's own owner: FORCE ROW LEVEL SECURITY. False where there is no such table (any
/// more). In a transaction.
pub fn row_security_binds_owner(table: pg_sys::Oid) -> bool {
    let Some(owner) = super::owner(table) else {
        return false;
    };
    // SAFETY: catalog look-ups that raise nothing (utils/misc/rls.c).
    let outcome = unsafe { pg_sys::check_enable_rls(table, owner, true) };
    outcome == int(pg_sys::CheckEnableRlsResult::RLS_ENABLED)
}

/// The current role.
pub fn current_role_oid() -> pg_sys::Oid {
    // SAFETY: a look at a variable.
    unsafe { pg_sys::GetUserId() }
}

/// Its name, quoted where SQL needs it.
pub fn current_role() -> String {
    // SAFETY: the name of an existing role, palloc'd; it is copied at once.
    let name = unsafe {
        CStr::from_ptr(pg_sys::GetUserNameFromId(pg_sys::GetUserId(), false))
            .to_string_lossy()
            .into_owned()
    };
    super::quote_identifier(&name)
}

/// Whether an extension (sepgsql, for one) decides on rights in the executor, which the raw engine does not enter.
pub fn executor_checks_rights() -> bool {
    // SAFETY: set, if at all, when libraries are loaded (executor/executor.h).
    let hook = unsafe { pg_sys::ExecutorCheckPerms_hook };
    hook.is_some()
}

/// Whether the current role owns a relation, by itself, as a member of the owner, or as a superuser.
pub fn owns(relation: pg_sys::Oid) -> bool {
    // SAFETY: a catalog look-up; where there is no such relation, only a superuser gets past it.
    unsafe {
        super::owner(relation).is_some() && {
            #[cfg(feature = "pg15")]
            let owns = pg_sys::pg_class_ownercheck(relation, pg_sys::GetUserId());
            #[cfg(not(feature = "pg15"))]
            let owns = pg_sys::object_ownercheck(
                pg_sys::RelationRelationId,
                relation,
                pg_sys::GetUserId(),
            );
            owns
        }
    }
}

/// Whether the current role owns this database, as above.
pub fn owns_database() -> bool {
    // SAFETY: a catalog look-up for the database that this process is connected to.
    unsafe {
        #[cfg(feature = "pg15")]
        let owns = pg_sys::pg_database_ownercheck(pg_sys::MyDatabaseId, pg_sys::GetUserId());
        #[cfg(not(feature = "pg15"))]
        let owns = pg_sys::object_ownercheck(
            pg_sys::DatabaseRelationId,
            pg_sys::MyDatabaseId,
            pg_sys::GetUserId(),
        );
        owns
    }
}

/// Whether the current role may read every column and every row of a table, or owns it. Of a table that is gone, a
/// superuser may.
pub fn may_read_all(relation: pg_sys::Oid) -> bool {
    // SAFETY: catalog look-ups, for a relation that is there; `check_enable_rls` raises nothing when told so.
    unsafe {
        let role = pg_sys::GetUserId();
        let Some(owner) = super::owner(relation) else {
            return pg_sys::superuser_arg(role);
        };
        pg_sys::has_privs_of_role(role, owner)
            || pg_sys::pg_class_aclcheck(relation, role, pg_sys::ACL_SELECT as pg_sys::AclMode)
                == pg_sys::AclResult::ACLCHECK_OK
                && pg_sys::check_enable_rls(relation, role, true)
                    != int(pg_sys::CheckEnableRlsResult::RLS_ENABLED)
    }
}

/// Whether the current role may know what goes on with a table: it may read any of it, or is a monitoring role, as for
/// the views pg_stat_* (utils/adt/pgstatfuncs.c).
pub fn may_see(relation: pg_sys::Oid) -> bool {
    // SAFETY: catalog look-ups, the last two for a relation that is there.
    unsafe {
        let role = pg_sys::GetUserId();
        let select = pg_sys::ACL_SELECT as pg_sys::AclMode;
        pg_sys::has_privs_of_role(role, pg_sys::Oid::from(pg_sys::ROLE_PG_READ_ALL_STATS))
            || super::owner(relation).is_some()
                && (pg_sys::pg_class_aclcheck(relation, role, select)
                    == pg_sys::AclResult::ACLCHECK_OK
                    || pg_sys::pg_attribute_aclcheck_all(
                        relation,
                        role,
                        select,
                        pg_sys::AclMaskHow::ACLMASK_ANY,
                    ) == pg_sys::AclResult::ACLCHECK_OK)
    }
}
