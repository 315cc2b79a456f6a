//! What raw_clear_sessions_find() is made of.

use crate::find;
use crate::pg::{self, AsOwner, LockMode, Relation};
use crate::preview;
use pgrx::datum::JsonB;
use pgrx::prelude::*;
use serde_json::json;

/// The tables that are, or nearly are, session tables, by the catalogs alone.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.found(
    OUT "table" oid,
    OUT name text,
    OUT framework text,
    OUT missing text,
    OUT keep text,
    OUT expires text,
    OUT unit text,
    OUT time_zone text,
    OUT filter text,
    OUT lives_on boolean,
    OUT call text,
    OUT schedule_call text
) RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.found()
IS 'for raw_clear_sessions_find(): the tables by the catalogs alone';
"#, requires = ["schema"])]
#[allow(
    clippy::type_complexity,
    reason = "one column of the result after the other"
)]
fn raw_clear_sessions_found() -> TableIterator<
    'static,
    (
        name!(table, pg_sys::Oid),
        name!(name, String),
        name!(framework, Option<String>),
        name!(missing, Option<String>),
        name!(keep, Option<String>),
        name!(expires, Option<String>),
        name!(unit, Option<String>),
        name!(time_zone, Option<String>),
        name!(filter, Option<String>),
        name!(lives_on, bool),
        name!(call, Option<String>),
        name!(schedule_call, Option<String>),
    ),
> {
    pg::prevent_in_parallel_mode(c"raw_clear_sessions_find()");
    let _aside = pg::MemoryAside::set();
    TableIterator::new(find::find().into_iter().map(|found| {
        let text = |text: String| pg::encodable(&text).into_owned();
        (
            found.table,
            text(found.name),
            found.framework.map(str::to_owned),
            found.missing,
            found.keep,
            found.expires.map(text),
            found.unit,
            found.time_zone,
            found.filter,
            found.lives_on,
            found.call.map(text),
            found.schedule_call.map(text),
        )
    }))
}

/// What there is in a table, for [`find`], by what that knows of it; or why nobody has looked, as `not_looked_at`. What the table calls
/// of others' does not run: the caller has not named the table. What it comes to call while it is looked at runs as its owner,
/// whose it is, and so this takes no expression, which would be the caller's. NULL where the caller may not read all of the
/// table, or it is none of those that are found. No lock outlives the look, and an ERROR is why the table is not looked at.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.look("table" oid) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.look(oid)
IS 'for raw_clear_sessions_find(): how much there is in a table, looked at as its owner';
"#, requires = ["schema"])]
fn raw_clear_sessions_look(table: Option<pg_sys::Oid>) -> Option<JsonB> {
    pg::prevent_in_parallel_mode(c"raw_clear_sessions_find()");
    let _aside = pg::MemoryAside::set();
    let table = table?;
    pg::try_out(|| look(table)).unwrap_or_else(|error| {
        let sqlstate = pg::sqlstate_text(error.sqlstate());
        Some(JsonB(
            json!({ "error": format!("{sqlstate}: {}", error.message()) }),
        ))
    })
}

fn look(table: pg_sys::Oid) -> Option<JsonB> {
    if !pg::may_read_all(table) {
        return None;
    }
    let relation = Relation::open(table, LockMode::AccessShare)?;
    // Under the lock the columns and the owner stay. A right may have been taken back while the lock was waited for, and an
    // index that calls something may come at any time: it takes no lock that would conflict.
    if !pg::may_read_all(table) {
        return None;
    }
    let rule = find::rule(&relation)?;
    if let Some(note) = find::not_looked_at(table) {
        return Some(JsonB(json!({ "not_looked_at": note })));
    }
    let _as_owner = AsOwner::of(&relation);
    // A framework's filter means PostgreSQL's own operators, whatever the caller has in the search_path.
    let _path = pg::LocalSetting::system_path();
    let amounts = preview::amounts(table, &rule).unwrap_or_else(|refusal| refusal.raise());
    Some(JsonB(json!(amounts)))
}

extension_sql_file!(
    "../../sql/find.sql",
    name = "find",
    requires = ["views", raw_clear_sessions_found, raw_clear_sessions_look]
);
