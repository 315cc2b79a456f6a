//! The shards of a table that Citus has distributed, where each of them is there once: those are ordinary tables on their
//! nodes, and can be cleared there one by one.
//!
//! A shard that has replicas, and a reference table, which is on every node, can not: what is deleted from one placement
//! behind Citus' back is still in the others.

use crate::pg::{self, Argument, LockMode, Relation, Row};
use logic::number;
use pgrx::pg_sys;
use serde::{Deserialize, Serialize};

/// What of Citus' is asked here, all in pg_catalog, as in Citus 9.5 to 14 (src/backend/distributed/sql).
const COLUMNS: &str = "('pg_dist_partition', 'logicalrelid'), ('pg_dist_partition', 'repmodel'), \
     ('pg_dist_shard', 'logicalrelid'), ('pg_dist_shard', 'shardid'), \
     ('pg_dist_placement', 'shardid'), ('pg_dist_placement', 'shardstate'), ('pg_dist_placement', 'groupid'), \
     ('pg_dist_node', 'groupid'), ('pg_dist_node', 'noderole'), ('pg_dist_node', 'nodename'), \
     ('pg_dist_node', 'nodeport'), ('pg_dist_local_group', 'groupid')";

/// A shard, and where it is.
#[derive(Clone, Debug)]
pub struct Shard {
    pub id: i64,
    /// Its name there, qualified and quoted where SQL needs it.
    pub name: String,
    pub node: Node,
}

/// A server of a Citus cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    pub group: i32,
    pub host: String,
    pub port: i32,
    /// It is this one.
    pub is_here: bool,
}

/// How a table is spread over nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Each shard is there once.
    Single,
    /// Some are there more than once, and Citus keeps them the same.
    Replicated,
}

/// How the table is spread; `None` where it is not, or where that cannot be known, or not be made use of.
pub fn spread(table: &Relation) -> Option<Spread> {
    if !pg::extension_installed(c"citus") || !can_be_asked() {
        return None;
    }
    let is_single = ask(
        "SELECT d.repmodel OPERATOR(pg_catalog.=) 's' \
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_dist_shard AS s \
                 WHERE s.logicalrelid OPERATOR(pg_catalog.=) d.logicalrelid \
                 AND (SELECT pg_catalog.count(*) FROM pg_catalog.pg_dist_placement AS p \
                     JOIN pg_catalog.pg_dist_node AS n ON n.groupid OPERATOR(pg_catalog.=) p.groupid \
                     AND n.noderole OPERATOR(pg_catalog.=) 'primary' \
                     WHERE p.shardid OPERATOR(pg_catalog.=) s.shardid \
                     AND p.shardstate OPERATOR(pg_catalog.=) 1) OPERATOR(pg_catalog.<>) 1) \
         FROM pg_catalog.pg_dist_partition AS d WHERE d.logicalrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
        table.oid(),
    );
    let is_single = is_single.into_iter().next()?;
    Some(if is_single {
        Spread::Single
    } else {
        Spread::Replicated
    })
}

/// The size of a table.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Of its heap and TOAST, in bytes.
    pub table: i64,
    /// With its indexes.
    pub total: i64,
    /// The blocks of its heap; 0 where the rows are not in one.
    pub blocks: f64,
}

/// The size of a table with everything that it reaches; of shards, each once.
pub fn size(table: &Relation) -> Size {
    if let Some(size) = spread(table).and_then(|_| size_of_shards(table)) {
        return size;
    }
    let leaves = pg::leaves(table, LockMode::AccessShare);
    let heaps = leaves.iter().filter(|leaf| leaf.is_heap());
    Size {
        table: leaves.iter().map(Relation::table_bytes).sum(),
        total: leaves.iter().map(Relation::total_bytes).sum(),
        blocks: heaps.map(|leaf| f64::from(leaf.blocks())).sum(),
    }
}

/// As Citus adds it up, which counts every placement.
fn size_of_shards(table: &Relation) -> Option<Size> {
    let rows: Vec<(f64, f64, f64)> = ask(
        "SELECT pg_catalog.citus_table_size(d.logicalrelid), pg_catalog.citus_total_relation_size(d.logicalrelid), \
             (SELECT pg_catalog.count(*)::pg_catalog.float8 OPERATOR(pg_catalog./) pg_catalog.count(DISTINCT s.shardid) \
              FROM pg_catalog.pg_dist_shard AS s \
              JOIN pg_catalog.pg_dist_placement AS p ON p.shardid OPERATOR(pg_catalog.=) s.shardid \
              WHERE s.logicalrelid OPERATOR(pg_catalog.=) d.logicalrelid) \
         FROM pg_catalog.pg_dist_partition AS d WHERE d.logicalrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
        table.oid(),
    );
    let (bytes, total, copies) = rows.into_iter().next()?;
    let copies = copies.max(1.0);
    Some(Size {
        table: number::whole(bytes / copies),
        total: number::whole(total / copies),
        blocks: (bytes / copies / f64::from(pg_sys::BLCKSZ)).floor(),
    })
}

/// Has Citus read shards that are here as it reads those of other nodes, as long as this lives. What it has once read in this
/// session it reads here to the end of the transaction, and then refuses whatever it does by connections only: to ask for
/// the size of a table, for one.
pub fn read_apart() -> Option<pg::LocalSetting> {
    let local = c"citus.enable_local_execution";
    pg::setting_takes(local, "off").then(|| pg::LocalSetting::set(&[(local, c"off")]))
}

/// Whether Citus stores it by columns: what has been written so stays.
pub fn is_columnar(table: &Relation) -> bool {
    !ask::<()>(
        "SELECT FROM pg_catalog.pg_class AS c \
         JOIN pg_catalog.pg_depend AS d ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_am'::pg_catalog.regclass \
         AND d.objid OPERATOR(pg_catalog.=) c.relam AND d.deptype OPERATOR(pg_catalog.=) 'e' \
         JOIN pg_catalog.pg_extension AS e ON e.oid OPERATOR(pg_catalog.=) d.refobjid \
         AND e.extname IN ('citus', 'citus_columnar') \
         WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
        table.oid(),
    )
    .is_empty()
}

/// A column that identifies a row.
#[derive(Clone, Debug)]
pub struct KeyColumn {
    /// Quoted where SQL needs it.
    pub name: String,
    /// Its type, qualified.
    pub kind: String,
}

/// The table's primary key, where that is one column of a type of PostgreSQL's own, and no array: values of it make one.
pub fn key_column(table: &Relation) -> Option<KeyColumn> {
    let rows = ask(
        "SELECT pg_catalog.quote_ident(a.attname), 'pg_catalog.' OPERATOR(pg_catalog.||) pg_catalog.quote_ident(t.typname) \
         FROM pg_catalog.pg_index AS i \
         JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) i.indrelid \
         AND a.attnum OPERATOR(pg_catalog.=) i.indkey[0] \
         JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) a.atttypid \
         WHERE i.indrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND i.indisprimary AND i.indisvalid \
         AND i.indnkeyatts OPERATOR(pg_catalog.=) 1 AND t.typcategory OPERATOR(pg_catalog.<>) 'A' \
         AND t.typnamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace",
        table.oid(),
    );
    let (name, kind) = rows.into_iter().next()?;
    Some(KeyColumn { name, kind })
}

/// Whether Citus has a table here as a shard of another.
pub fn is_shard_of(shard: pg_sys::Oid, table: pg_sys::Oid) -> bool {
    let is_named = |name: &str| {
        let named: Option<pg_sys::Oid> = pg::query_one(
            "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid",
            &[Argument::text(name)],
        );
        named == Some(shard)
    };
    pg::extension_installed(c"citus")
        && can_be_asked()
        && shards_of(table)
            .iter()
            .any(|shard| shard.node.is_here && is_named(&shard.name))
}

/// The shards of a table whose shards are there once, as they are now.
pub fn shards(table: &Relation) -> Vec<Shard> {
    shards_of(table.oid())
}

fn shards_of(table: pg_sys::Oid) -> Vec<Shard> {
    // Up to Citus 13.0 the name of a shard in the schema public is never qualified, later not by default.
    let rows = ask(
        "SELECT s.shardid, CASE WHEN n.is_public AND n.name NOT LIKE 'public.%' THEN 'public.' ELSE '' END \
         OPERATOR(pg_catalog.||) n.name, p.groupid, w.nodename, w.nodeport, \
         EXISTS (SELECT FROM pg_catalog.pg_dist_local_group AS l WHERE l.groupid OPERATOR(pg_catalog.=) p.groupid) \
         FROM pg_catalog.pg_dist_shard AS s \
         JOIN pg_catalog.pg_dist_placement AS p ON p.shardid OPERATOR(pg_catalog.=) s.shardid \
         AND p.shardstate OPERATOR(pg_catalog.=) 1 \
         JOIN pg_catalog.pg_dist_node AS w ON w.groupid OPERATOR(pg_catalog.=) p.groupid \
         AND w.noderole OPERATOR(pg_catalog.=) 'primary', \
         LATERAL (SELECT pg_catalog.shard_name(s.logicalrelid, s.shardid) AS name, \
             c.relnamespace OPERATOR(pg_catalog.=) 'public'::pg_catalog.regnamespace AS is_public \
             FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) s.logicalrelid) AS n \
         WHERE s.logicalrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid ORDER BY s.shardid",
        table,
    );
    rows.into_iter().filter_map(shard).collect()
}

/// A row of that; `None` where the shard has no name any more.
fn shard(
    (id, name, group, host, port, is_here): (i64, Option<String>, i32, String, i32, bool),
) -> Option<Shard> {
    let node = Node {
        group,
        host,
        port,
        is_here,
    };
    name.map(|name| Shard { id, name, node })
}

fn ask<R: Row>(statement: &str, table: pg_sys::Oid) -> Vec<R> {
    pg::query(statement, &[Argument::oid(table)])
}

/// Whether the catalogs are as expected and may be read, and the functions that are used are there and may be called.
fn can_be_asked() -> bool {
    let missing: Vec<()> = pg::query(
        &format!(
            "SELECT FROM (VALUES {COLUMNS}) AS e (relation, name) \
             LEFT JOIN pg_catalog.pg_class AS c ON c.relname OPERATOR(pg_catalog.=) e.relation::pg_catalog.name \
             AND c.relnamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace \
             LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) c.oid \
             AND a.attname OPERATOR(pg_catalog.=) e.name::pg_catalog.name AND NOT a.attisdropped \
             WHERE a.attnum IS NULL OR NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')"
        ),
        &[],
    );
    let callable: Vec<()> = pg::query(
        "SELECT FROM pg_catalog.pg_proc AS p \
         WHERE p.pronamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace \
         AND p.proname IN ('master_run_on_worker', 'shard_name') \
         AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')",
        &[],
    );
    missing.is_empty() && callable.len() == 2
}
