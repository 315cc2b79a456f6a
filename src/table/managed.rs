//! Tables that another extension spreads or splits, so that the heap behind their name is not where the rows are.

use crate::pg::{self, Argument, Relation};
use core::ffi::CStr;
use pgrx::pg_sys;

/// An extension that manages tables' storage, and how its catalog is asked for one.
pub struct Manager {
    extension: &'static CStr,
    pub name: &'static str,
    /// What is said where its catalog cannot be asked.
    unknown: &'static str,
    pub schema: &'static str,
    relation: &'static str,
    /// The catalog's columns that `condition` reads, with their types.
    columns: &'static [(&'static str, &'static str)],
    /// Of a row of the catalog, `m`: whether it is about the table `$1`.
    pub condition: &'static str,
}

/// As in TimescaleDB 2 (sql/pre_install/tables.sql).
pub const TIMESCALEDB: Manager = Manager {
    extension: c"timescaledb",
    name: "timescaledb",
    unknown: "timescaledb, whose catalog is not as expected",
    schema: "_timescaledb_catalog",
    relation: "hypertable",
    columns: &[("schema_name", "name"), ("table_name", "name")],
    condition: "EXISTS (SELECT FROM pg_catalog.pg_class AS c \
         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
         WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid \
         AND c.relname OPERATOR(pg_catalog.=) m.table_name \
         AND n.nspname OPERATOR(pg_catalog.=) m.schema_name)",
};

/// The name of the extension whose tables have shards.
pub const CITUS: &str = "citus";

/// As in Citus 9.5 to 14 (src/backend/distributed/sql).
const OF_CITUS: Manager = Manager {
    extension: c"citus",
    name: CITUS,
    unknown: "citus, whose catalog is not as expected",
    schema: "pg_catalog",
    relation: "pg_dist_partition",
    columns: &[("logicalrelid", "regclass")],
    condition: "m.logicalrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
};

const MANAGERS: [Manager; 2] = [OF_CITUS, TIMESCALEDB];

/// The extension that manages the table's storage, if one does. A shard or chunk, named itself, is an ordinary table.
///
/// Another version of such an extension may have another catalog. That must fail no call: where it is not as expected, or
/// the caller may not read it, the table counts as managed, so that SQL clears it.
pub fn managed_by(relation: &Relation) -> Option<&'static str> {
    MANAGERS
        .iter()
        .filter(|manager| pg::extension_installed(manager.extension))
        .find_map(|manager| {
            if !catalog_has(manager.schema, manager.relation, manager.columns) {
                return Some(manager.unknown);
            }
            manager.has(relation.oid()).then_some(manager.name)
        })
}

/// Whether Citus is installed, and its catalog of tables is as expected.
pub fn citus_can_be_asked() -> bool {
    let Manager {
        extension,
        schema,
        relation,
        columns,
        ..
    } = OF_CITUS;
    pg::extension_installed(extension) && catalog_has(schema, relation, columns)
}

impl Manager {
    fn has(&self, table: pg_sys::Oid) -> bool {
        let oid = i64::from(u32::from(table));
        let select = format!(
            "SELECT FROM {}.{} AS m WHERE {}",
            self.schema, self.relation, self.condition
        );
        !pg::query::<()>(&select, &[Argument::integer(oid)]).is_empty()
    }
}

/// Whether a relation of a catalog is there, has these columns with these types, and may be read by the current role.
pub fn catalog_has(schema: &str, relation: &str, columns: &[(&str, &str)]) -> bool {
    let conditions: Vec<_> = columns
        .iter()
        .map(|(name, kind)| {
            format!(
                "(a.attname OPERATOR(pg_catalog.=) '{name}' \
                 AND a.atttypid OPERATOR(pg_catalog.=) 'pg_catalog.{kind}'::pg_catalog.regtype)"
            )
        })
        .collect();
    let found: Vec<()> = pg::query(
        &format!(
            "SELECT FROM pg_catalog.pg_class AS c \
             JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
             JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) c.oid \
             WHERE n.nspname OPERATOR(pg_catalog.=) '{}' AND c.relname OPERATOR(pg_catalog.=) '{}' \
             AND c.relkind OPERATOR(pg_catalog.=) 'r' AND NOT a.attisdropped AND ({}) \
             AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') \
             AND pg_catalog.has_table_privilege(c.oid, 'SELECT')",
            schema,
            relation,
            conditions.join(" OR ")
        ),
        &[],
    );
    found.len() == columns.len()
}
