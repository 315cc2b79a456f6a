//! Hypertables of TimescaleDB: their rows are in chunks, which inherit from them. A chunk that is not compressed is a heap as
//! any other, from which TimescaleDB's own DELETE deletes as PostgreSQL's does.

use super::managed::{TIMESCALEDB, catalog_has, managed_by};
use crate::pg::{self, Argument, Relation};

/// What is read of TimescaleDB's catalog, as in version 2 (sql/pre_install/tables.sql).
type Columns = &'static [(&'static str, &'static str)];
const CATALOG: [(&str, Columns); 3] = [
    (
        "hypertable",
        &[
            ("id", "int4"),
            ("schema_name", "name"),
            ("table_name", "name"),
        ],
    ),
    ("chunk", &[("hypertable_id", "int4"), ("status", "int4")]),
    ("continuous_agg", &[("raw_hypertable_id", "int4")]),
];

/// Whether the table is a hypertable of which each chunk can be cleared as a table of its own: none is compressed or frozen
/// (both are a status), and no continuous aggregate is to be told of what is deleted. False where TimescaleDB's catalog is
/// not as expected.
///
/// Some versions (2.19) name the compressed data of a chunk beside its status; others (2.31) do not.
///
/// It holds as long as the chunks that are acted on are locked, but for a freeze, which takes no lock.
pub fn has_ordinary_chunks_only(root: &Relation) -> bool {
    if managed_by(root) != Some(TIMESCALEDB.name) {
        return false;
    }
    let schema = TIMESCALEDB.schema;
    if !CATALOG
        .iter()
        .all(|(relation, columns)| catalog_has(schema, relation, columns))
    {
        return false;
    }
    let select = format!(
        "SELECT FROM {schema}.hypertable AS m WHERE {} \
         AND NOT EXISTS (SELECT FROM {schema}.chunk AS k WHERE k.hypertable_id OPERATOR(pg_catalog.=) m.id \
         AND (k.status OPERATOR(pg_catalog.<>) 0 \
         OR pg_catalog.to_jsonb(k) OPERATOR(pg_catalog.->>) 'compressed_chunk_id' IS NOT NULL)) \
         AND NOT EXISTS (SELECT FROM {schema}.continuous_agg AS a \
         WHERE a.raw_hypertable_id OPERATOR(pg_catalog.=) m.id)",
        TIMESCALEDB.condition
    );
    let oid = i64::from(u32::from(root.oid()));
    !pg::query::<()>(&select, &[Argument::integer(oid)]).is_empty()
}
