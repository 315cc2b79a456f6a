//! Tables that another extension spreads or splits, so that the heap behind their name is not where the rows are.

use crate::pg::{self, Argument, Relation};

/// The extension that manages the table's storage, if one does. A shard or chunk, named itself, is an ordinary table.
pub fn managed_by(relation: &Relation) -> Option<&'static str> {
    let oid = u32::from(relation.oid());
    if pg::extension_installed(c"citus")
        && exists(
            "SELECT FROM pg_catalog.pg_dist_partition WHERE logicalrel OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
            oid,
        )
    {
        return Some("citus");
    }
    if pg::extension_installed(c"timescaledb")
        && exists(
            "SELECT FROM _timescaledb_catalog.hypertable h \
             JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) h.schema_name \
             JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid \
             AND c.relname OPERATOR(pg_catalog.=) h.table_name \
             WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
            oid,
        )
    {
        return Some("timescaledb");
    }
    None
}

fn exists(select: &str, oid: u32) -> bool {
    !pg::query(select, &[Argument::integer(i64::from(oid))]).is_empty()
}
