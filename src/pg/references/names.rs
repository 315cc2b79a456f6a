//! The names that an expression makes of values: labels of enums, attributes of composite types, and tables.

use super::super::inheritance::inheritors_unlocked;
use super::super::spi::{self, Argument};
use super::super::{Relation, relation_name};
use pgrx::pg_sys;
use std::collections::BTreeSet;

/// Types, each with itself and with those of others that a value of it is made of, in a query.
pub(super) const PARTS: &str = "WITH RECURSIVE parts (whole, type) AS (SELECT DISTINCT n, n FROM pg_catalog.unnest($1::pg_catalog._oid) AS n \
     UNION SELECT p.whole, x.type FROM parts p JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) p.type \
     CROSS JOIN LATERAL (SELECT t.typbasetype UNION ALL SELECT t.typelem \
     UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid OPERATOR(pg_catalog.=) t.oid \
     OR r.rngmultitypid OPERATOR(pg_catalog.=) t.oid \
     UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) t.typrelid \
     AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped) AS x (type) \
     WHERE NOT x.type OPERATOR(pg_catalog.<) $2::pg_catalog.oid)";

pub(super) fn first_of_others() -> Argument {
    Argument::oid(pg_sys::Oid::from(pg_sys::FirstNormalObjectId))
}

/// The names that values of these types have parts by: labels of enums, attributes of composite types.
pub(super) fn of_parts(types: &[pg_sys::Oid]) -> BTreeSet<String> {
    let names: Vec<String> = spi::query(
        &format!(
            "{PARTS} SELECT pg_catalog.format('label %s %s', e.oid, e.enumlabel) FROM parts p \
             JOIN pg_catalog.pg_enum e ON e.enumtypid OPERATOR(pg_catalog.=) p.type \
             UNION ALL SELECT pg_catalog.format('attribute %s of type %s %s', a.attnum, p.type, a.attname) FROM parts p \
             JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) p.type AND t.typtype OPERATOR(pg_catalog.=) 'c' \
             JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) t.typrelid \
             WHERE a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped"
        ),
        &[Argument::oids(types), first_of_others()],
    );
    names.into_iter().collect()
}

/// The names of the table and of those that inherit from it.
pub(super) fn of_tables(relation: &Relation) -> impl Iterator<Item = String> {
    let tables = inheritors_unlocked(relation).into_iter();
    tables.map(|oid| format!("table {} {}", u32::from(oid), relation_name(oid)))
}

/// Whether the names that were made of values are made of them still, or what has them is gone: a partition of last month's.
pub fn are_still(names: &BTreeSet<String>, now: &BTreeSet<String>) -> bool {
    names.iter().all(|name| {
        let of_table = name
            .starts_with("table ")
            .then(|| name.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ") + " ");
        let is_gone = |table: &String| !now.iter().any(|now| now.starts_with(table));
        now.contains(name) || of_table.as_ref().is_some_and(is_gone)
    })
}
