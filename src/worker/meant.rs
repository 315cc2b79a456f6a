//! What is remembered of a policy's names ([`crate::table::Meant`]), where it has come to another table, as SQL.

use super::policy::Policy;
use crate::pg::{self, Argument};
use pgrx::pg_sys;

/// For a policy `p` that has come from another database, maybe with other numbers and oids: the columns are those that have the
/// names now, if all that there were are there, at the same places, with new ones behind them; that another one has come to a name
/// is seen by nothing else. The tables that it named have come with their own names. The name of the table is remembered as it was.
pub fn by_names() -> String {
    const COLUMN: &str = "a.attrelid OPERATOR(pg_catalog.=) p.\"table\"::pg_catalog.oid AND NOT a.attisdropped \
         AND a.attname::pg_catalog.text OPERATOR(pg_catalog.=)";
    let is_alike = "(SELECT pg_catalog.bool_and(coalesce(l.name OPERATOR(pg_catalog.=) o.name, false)) \
         FROM pg_catalog.jsonb_array_elements_text(p.meant OPERATOR(pg_catalog.->) 'layout') WITH ORDINALITY AS l (name, place) \
         LEFT JOIN (SELECT a.attname::pg_catalog.text AS name, pg_catalog.row_number() OVER (ORDER BY a.attnum) AS place \
         FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) p.\"table\"::pg_catalog.oid \
         AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped) AS o ON o.place OPERATOR(pg_catalog.=) l.place)";
    let by_names = with_numbers(
        &format!(
            "SELECT a.attnum FROM pg_catalog.pg_attribute a WHERE {COLUMN} e.key AND {is_alike}"
        ),
        ", 'objects', p.meant OPERATOR(pg_catalog.->) 'objects' OPERATOR(pg_catalog.||) '{\"moved\": true}', 'doubtful_children', NULL, 'tables', (SELECT coalesce(pg_catalog.jsonb_agg(n.named::pg_catalog.oid::pg_catalog.int8 ORDER BY n.place), '[]'::pg_catalog.jsonb) \
         FROM pg_catalog.unnest(p.named) WITH ORDINALITY AS n (named, place))",
    );
    // A copy by CREATE DATABASE has all of it as it was: also the table of policies.
    format!(
        "CASE WHEN p.meant OPERATOR(pg_catalog.->) 'objects' OPERATOR(pg_catalog.->>) 'system_identifier' OPERATOR(pg_catalog.=) '{}' \
         AND p.installation OPERATOR(pg_catalog.&) 4294967295 OPERATOR(pg_catalog.=) p.tableoid::pg_catalog.int8 THEN p.meant ELSE {by_names} END",
        pg::system_identifier()
    )
}

/// Notes whether a run of a policy was refused because its names mean something else by now: a copy of the database, in which less
/// is known of them, is to refuse it, too. Not where somebody is changing the policy.
pub fn note_refused(schema: &str, table: pg_sys::Oid, policy: &Policy, refused: bool) {
    if policy
        .meant
        .as_ref()
        .is_none_or(|meant| meant.is_refused() == refused)
    {
        return;
    }
    pg::modify_own(
        &format!(
            "UPDATE {schema}.policy SET meant = meant OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object('refused', {refused}) \
             WHERE \"table\" OPERATOR(pg_catalog.=) (SELECT p.\"table\" FROM {schema}.policy p \
             WHERE p.\"table\" OPERATOR(pg_catalog.=) $1::pg_catalog.oid FOR UPDATE SKIP LOCKED) \
             AND pg_catalog.jsonb_typeof(meant) OPERATOR(pg_catalog.=) 'object'"
        ),
        &[Argument::oid(table)],
    );
}

/// The numbers of the columns of a table `c`, in their order.
pub const NUMBERS: &str = "(SELECT pg_catalog.jsonb_agg(a.attnum ORDER BY a.attnum) FROM pg_catalog.pg_attribute a \
     WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped)";

/// For a policy `p` whose table has been replaced by one with the same columns in the same order: the columns are those in the
/// same places, whatever they are called. `numbers`: [`NUMBERS`] of the table that was replaced, as SQL.
pub fn by_places(numbers: &str) -> String {
    with_numbers(
        &format!(
            "SELECT a.attnum FROM pg_catalog.jsonb_array_elements({numbers}) WITH ORDINALITY AS o (attnum, place) \
         JOIN (SELECT a.attnum, pg_catalog.row_number() OVER (ORDER BY a.attnum) AS place FROM pg_catalog.pg_attribute a \
         WHERE a.attrelid OPERATOR(pg_catalog.=) p.\"table\"::pg_catalog.oid \
         AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped) AS a ON a.place OPERATOR(pg_catalog.=) o.place \
         WHERE o.attnum OPERATOR(pg_catalog.=) e.value"
        ),
        "",
    )
}

/// `number`: a query of the number of the column `e`, whose name is its key and whose number was its value. No column has the
/// number 0: what is not found is missed. `also`: further parts. What is none of ours stays, and is refused.
fn with_numbers(number: &str, also: &str) -> String {
    const PARTS: [&str; 2] = ["columns", "framework"];
    let is_of = |part: &str, kind: &str| {
        format!(
            "pg_catalog.jsonb_typeof(p.meant OPERATOR(pg_catalog.->) '{part}') OPERATOR(pg_catalog.=) '{kind}'"
        )
    };
    let is_ours = [
        is_of(PARTS[0], "object"),
        is_of(PARTS[1], "object"),
        is_of("layout", "array"),
    ];
    let columns = PARTS.map(|part| {
        format!(
            "'{part}', (SELECT coalesce(pg_catalog.jsonb_object_agg(e.key, coalesce(({number}), 0)), '{{}}'::pg_catalog.jsonb) \
             FROM pg_catalog.jsonb_each(p.meant OPERATOR(pg_catalog.->) '{part}') AS e)"
        )
    });
    format!(
        "CASE WHEN {} THEN p.meant OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object({}{also}) ELSE p.meant END",
        is_ours.join(" AND "),
        columns.join(", ")
    )
}
