//! What row-level security hides from a table's owner, as whom the worker acts.

use crate::pg::{self, Argument};
use pgrx::pg_sys;

/// Whether policies may hide rows of a table from its own owner. Not where one without a condition shows him all of them,
/// for reading and for deleting, and none restricts that.
pub fn hides_rows_from_owner(table: pg_sys::Oid) -> bool {
    if !pg::row_security_binds_owner(table) {
        return false;
    }
    let shown = pg::query(
        "WITH policy AS (SELECT p.polcmd, p.polpermissive, \
         pg_catalog.pg_get_expr(p.polqual, p.polrelid) OPERATOR(pg_catalog.=) 'true' AS everything \
         FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) p.polrelid \
         WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND p.polcmd OPERATOR(pg_catalog.<>) 'a' \
         AND EXISTS (SELECT FROM pg_catalog.unnest(p.polroles) AS r (oid) \
         WHERE r.oid OPERATOR(pg_catalog.=) 0 OR pg_catalog.pg_has_role(c.relowner, r.oid, 'USAGE'))) \
         SELECT FROM pg_catalog.unnest(ARRAY['r', 'd']::pg_catalog.\"char\"[]) AS command (command) \
         HAVING pg_catalog.bool_and(EXISTS (SELECT FROM policy p WHERE p.polpermissive AND p.everything \
         AND (p.polcmd OPERATOR(pg_catalog.=) '*' OR p.polcmd OPERATOR(pg_catalog.=) command))) \
         AND NOT EXISTS (SELECT FROM policy p WHERE NOT p.polpermissive AND p.everything IS NOT TRUE)",
        &[Argument::integer(u32::from(table).into())],
    );
    shown.is_empty()
}
