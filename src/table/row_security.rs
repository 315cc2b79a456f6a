//! What row-level security shows of a table: to who acts, and to its owner, as whom the worker acts.

use crate::pg::{self, Argument, Relation};
use pgrx::pg_sys;

/// What row-level security shows of a table to the current role, where it applies to him.
#[derive(Clone, Debug, PartialEq)]
pub struct RowSecurity {
    role: pg_sys::Oid,
    /// The versions of the table's policies.
    policies: String,
    /// Whether they may hide rows.
    pub hides: bool,
}

impl RowSecurity {
    /// ERROR 42501 where it would apply, but `row_security` is off.
    pub fn of(relation: &Relation) -> Option<RowSecurity> {
        pg::row_security_applies(relation).then(|| {
            let (table, role) = (relation.oid(), pg::current_role_oid());
            RowSecurity {
                role,
                policies: policies(table),
                hides: hides_rows_from(table, role),
            }
        })
    }
}

/// Whether policies may hide rows of a table from its own owner.
pub fn hides_rows_from_owner(table: pg_sys::Oid) -> bool {
    pg::row_security_binds_owner(table)
        && pg::owner(table).is_some_and(|owner| hides_rows_from(table, owner))
}

fn policies(table: pg_sys::Oid) -> String {
    let policies: Option<String> = pg::query_one(
        "SELECT pg_catalog.string_agg(pg_catalog.concat(p.oid, ':', p.xmin, p.ctid), ' ' ORDER BY p.oid) \
         FROM pg_catalog.pg_policy p WHERE p.polrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
        &[Argument::oid(table)],
    );
    policies.unwrap_or_default()
}

/// Whether policies that apply to a role may hide rows from it. Not where one without a condition shows it all of them, for
/// reading and for deleting, and none restricts that.
fn hides_rows_from(table: pg_sys::Oid, role: pg_sys::Oid) -> bool {
    let shown: Vec<()> = pg::query(
        "WITH policy AS (SELECT p.polcmd, p.polpermissive, \
         pg_catalog.pg_get_expr(p.polqual, p.polrelid) OPERATOR(pg_catalog.=) 'true' AS everything \
         FROM pg_catalog.pg_policy p \
         WHERE p.polrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND p.polcmd OPERATOR(pg_catalog.<>) 'a' \
         AND EXISTS (SELECT FROM pg_catalog.unnest(p.polroles) AS r (oid) \
         WHERE r.oid OPERATOR(pg_catalog.=) 0 OR pg_catalog.pg_has_role($2::pg_catalog.oid, r.oid, 'USAGE'))) \
         SELECT FROM pg_catalog.unnest(ARRAY['r', 'd']::pg_catalog.\"char\"[]) AS command (command) \
         HAVING pg_catalog.bool_and(EXISTS (SELECT FROM policy p WHERE p.polpermissive AND p.everything \
         AND (p.polcmd OPERATOR(pg_catalog.=) '*' OR p.polcmd OPERATOR(pg_catalog.=) command))) \
         AND NOT EXISTS (SELECT FROM policy p WHERE NOT p.polpermissive AND p.everything IS NOT TRUE)",
        &[Argument::oid(table), Argument::oid(role)],
    );
    shown.is_empty()
}
