//! Tables that Citus replaces: the policy of the old one follows to the new one, with its history.
//!
//! `alter_distributed_table`, `undistribute_table` and their like build a new table, drop the old one and give its name to the
//! new one; `citus_add_local_table_to_metadata` makes the old one a shard of the new one. Nothing in the catalogs says
//! afterwards what has been replaced, except in the last case. So the worker remembers what each table with a policy looks
//! like, and what has the same name, owner and columns later is taken for its successor, where the old one is gone and one of
//! the two is, or was, a table of Citus'. Who drops such a table and creates the same again is not told apart from it: the
//! owner, the name and every column that the policy may refer to are the same, so that it means the same.
//!
//! Elsewhere a table is not replaced by itself, and one that has come in the place of another is its owner's to schedule
//! ([`super::policy::remove_orphans`]).

use super::meant::{self, NUMBERS};
use crate::pg::{self, Argument, LockMode, Relation};
use crate::table;
use pgrx::pg_sys;

/// The columns of a table `c`, as far as a policy can depend on them.
const COLUMNS: &str = "(SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(a.attname, \
     pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull) ORDER BY a.attnum) FROM pg_catalog.pg_attribute a \
     WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped)";

/// Of a table `c` in the schema `n`.
const NAME: &str = "pg_catalog.format('%I.%I', n.nspname, c.relname)";

/// Has the policies follow, as far as nobody else is at them, and then remembers all tables as they are. Does nothing where
/// there is no Citus. Returns the old tables whose successors somebody is changing: their policies wait for the next time.
///
/// A successor is looked at again when it is locked, and stays so to the end of the transaction: what happens to it from then
/// on happens to a table with a policy.
pub fn follow(schema: &str) -> Vec<pg_sys::Oid> {
    let mut waiting = Vec::new();
    if !table::citus_can_be_asked() {
        return waiting;
    }
    // Looked at first: what is replaced after the search is still remembered as it was, and found the next time.
    let seen = look(schema, &[]);
    let mut moved = Vec::new();
    for replaced in find(schema, None) {
        let is_free = pg::states_being_written(&[replaced.new]).is_empty()
            && Relation::open_if_free(replaced.new, LockMode::AccessShare).is_some();
        if !is_free {
            waiting.push(replaced.old);
        } else if find(schema, None).contains(&replaced) {
            replaced.move_policy(schema);
            moved.push(replaced.new);
        }
    }
    remember(schema, &seen);
    if !moved.is_empty() {
        // These are locked.
        remember(schema, &look(schema, &moved));
    }
    waiting
}

/// The same for one table, at once, for a call of its owner's, who means the policy that was made under this name: a look of
/// the worker's that is under way is waited for. In a transaction of the caller's.
pub fn follow_to(schema: &str, table: pg_sys::Oid) {
    if !table::citus_can_be_asked() {
        return;
    }
    for replaced in find(schema, Some(table)) {
        replaced.move_policy(schema);
        remember(schema, &look(schema, &[table]));
    }
}

/// Remembers a table that has just been scheduled: it may be replaced before the worker looks.
pub fn remember_scheduled(schema: &str, table: pg_sys::Oid) {
    if table::citus_can_be_asked() {
        remember(schema, &look(schema, &[table]));
    }
}

/// The tables of Citus', as an array of oids.
fn distributed() -> Argument {
    let oids: Option<String> = pg::query_one(
        "SELECT pg_catalog.array_agg(d.logicalrelid::pg_catalog.oid) FROM pg_catalog.pg_dist_partition d",
        &[],
    );
    Argument::text(oids.as_deref().unwrap_or("{}"))
}

/// A table with a policy, and its successor.
#[derive(PartialEq, Eq)]
struct Replaced {
    old: pg_sys::Oid,
    new: pg_sys::Oid,
    name: String,
}

/// All tables that were replaced, as far as nobody else is at their policies, or those of one successor.
fn find(schema: &str, only: Option<pg_sys::Oid>) -> Vec<Replaced> {
    let skip = if only.is_none() { "SKIP LOCKED" } else { "" };
    let only: Vec<_> = only.into_iter().collect();
    let rows = pg::query_own(
        &format!(
            "SELECT p.\"table\"::pg_catalog.oid, c.oid, {NAME}, \
             pg_catalog.pg_table_is_visible(p.\"table\"::pg_catalog.oid) IS NULL, \
             (s.seen OPERATOR(pg_catalog.->>) 'citus')::pg_catalog.bool \
             OR c.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog._oid) \
             FROM {schema}.policy p \
             JOIN {schema}.state s ON s.\"table\" OPERATOR(pg_catalog.=) p.\"table\"::pg_catalog.oid \
             JOIN pg_catalog.pg_class c ON c.relowner OPERATOR(pg_catalog.=) (s.seen OPERATOR(pg_catalog.->>) 'owner')::pg_catalog.oid \
             JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
             WHERE c.oid OPERATOR(pg_catalog.<>) p.\"table\"::pg_catalog.oid \
             AND c.relkind::pg_catalog.text OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p', 'f']) \
             AND {NAME} OPERATOR(pg_catalog.=) (s.seen OPERATOR(pg_catalog.->>) 'name') \
             AND {COLUMNS} OPERATOR(pg_catalog.=) (s.seen OPERATOR(pg_catalog.->) 'columns') \
             AND NOT EXISTS (SELECT FROM {schema}.policy q WHERE q.\"table\"::pg_catalog.oid OPERATOR(pg_catalog.=) c.oid) \
             AND (pg_catalog.cardinality($2::pg_catalog._oid) OPERATOR(pg_catalog.=) 0 \
             OR c.oid OPERATOR(pg_catalog.=) ANY ($2::pg_catalog._oid)) \
             FOR UPDATE OF p, s {skip}"
        ),
        &[distributed(), Argument::oids(&only)],
    );
    rows.into_iter().filter_map(successor).collect()
}

/// A row of that, if the table was replaced.
fn successor(
    (old, new, name, is_gone, is_of_citus): (pg_sys::Oid, pg_sys::Oid, String, bool, Option<bool>),
) -> Option<Replaced> {
    let is_replaced = if is_gone {
        is_of_citus == Some(true)
    } else {
        table::is_shard_of(old, new)
    };
    is_replaced.then_some(Replaced { old, new, name })
}

impl Replaced {
    fn move_policy(&self, schema: &str) {
        let [old, new] = [self.old, self.new].map(Argument::oid);
        let moves = |relation: &str, also: &str| {
            pg::modify_own(
                &format!(
                    "UPDATE {schema}.{relation} SET \"table\" = $2::pg_catalog.oid{also} \
                     WHERE \"table\"::pg_catalog.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid"
                ),
                &[old, new],
            )
        };
        moves("policy", "");
        // Its columns may have other numbers.
        pg::modify_own(
            &format!(
                "UPDATE {schema}.policy p SET meant = {} FROM {schema}.state s \
                 WHERE p.\"table\"::pg_catalog.oid OPERATOR(pg_catalog.=) $2::pg_catalog.oid \
                 AND s.\"table\" OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
                meant::by_places("s.seen OPERATOR(pg_catalog.->) 'numbers'")
            ),
            &[old, new],
        );
        // Where the setting `tables` names it, or a function was called.
        pg::modify_own(
            &format!(
                "DELETE FROM {schema}.state WHERE \"table\" OPERATOR(pg_catalog.=) $1::pg_catalog.oid"
            ),
            &[new],
        );
        moves("state", ", failures = 0");
        moves("history", "");
        pg::log(
            &format!(
                "table {} has been replaced by another, and its policy has followed",
                self.name
            ),
            None,
            Some("If the new table is not to be cleared, call raw_clear_sessions_unschedule()."),
        );
    }
}

/// What each table with a policy is now, or each of some, where that is not what is remembered: as JSON.
fn look(schema: &str, some: &[pg_sys::Oid]) -> String {
    let seen: Vec<Option<String>> = pg::query_own(
        &format!(
            "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('table', t.oid, 'seen', t.seen)) FROM (\
             SELECT c.oid, pg_catalog.jsonb_build_object('name', {NAME}, 'owner', c.relowner, 'columns', {COLUMNS}, 'numbers', {NUMBERS}, \
             'citus', c.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog._oid)) AS seen \
             FROM {schema}.policy p JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) p.\"table\"::pg_catalog.oid \
             JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
             WHERE pg_catalog.cardinality($2::pg_catalog._oid) OPERATOR(pg_catalog.=) 0 \
             OR c.oid OPERATOR(pg_catalog.=) ANY ($2::pg_catalog._oid)) AS t \
             JOIN {schema}.state s ON s.\"table\" OPERATOR(pg_catalog.=) t.oid \
             WHERE s.seen IS NULL OR s.seen OPERATOR(pg_catalog.<>) t.seen"
        ),
        &[distributed(), Argument::oids(some)],
    );
    let seen = seen.into_iter().next().flatten();
    seen.unwrap_or_else(|| "[]".to_owned())
}

/// Remembers that, as far as nobody else is at it.
fn remember(schema: &str, seen: &str) {
    pg::modify_own(
        &format!(
            "UPDATE {schema}.state s SET seen = t.seen FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) \
             AS t (\"table\" pg_catalog.oid, seen pg_catalog.jsonb) \
             WHERE s.\"table\" OPERATOR(pg_catalog.=) t.\"table\" AND s.\"table\" OPERATOR(pg_catalog.=) ANY (ARRAY( \
             SELECT f.\"table\" FROM {schema}.state f WHERE f.\"table\" OPERATOR(pg_catalog.=) t.\"table\" \
             FOR UPDATE SKIP LOCKED))"
        ),
        &[Argument::text(seen)],
    );
}
