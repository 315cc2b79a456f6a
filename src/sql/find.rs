//! What raw_clear_sessions_find() is made of.

use super::{preview_as_json, rule};
use crate::find;
use crate::pg::{self, AsOwner, LockMode, Relation};
use pgrx::datum::{Interval, JsonB};
use pgrx::prelude::*;

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

/// The preview of a table for [`find`], which looks at tables that the caller has not named: what planning runs (functions
/// in the predicates of indexes, for one) is their owners' code, and acts as the owner. NULL where the caller may not read
/// all of it.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.look("table" oid, expires text, keep interval, unit text, time_zone text, filter text)
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.look(oid, text, interval, text, text, text)
IS 'for raw_clear_sessions_find(): the preview of a table, made as its owner';
"#, requires = ["schema"])]
fn raw_clear_sessions_look(
    table: Option<pg_sys::Oid>,
    expires: Option<&[u8]>,
    keep: Option<Interval>,
    unit: Option<&[u8]>,
    time_zone: Option<&[u8]>,
    filter: Option<&[u8]>,
) -> Option<JsonB> {
    pg::prevent_in_parallel_mode(c"raw_clear_sessions_find()");
    let _aside = pg::MemoryAside::set();
    let rule = rule(expires, keep, unit, time_zone, filter);
    let table = table.filter(|table| pg::may_read_all(*table))?;
    // The owner that it has under the lock, and that it keeps until the end of the transaction.
    let relation = Relation::open(table, LockMode::AccessShare)?;
    let _as_owner = AsOwner::of(&relation);
    Some(preview_as_json(Some(table), &rule, false))
}

extension_sql_file!(
    "../../sql/find.sql",
    name = "find",
    requires = ["views", raw_clear_sessions_found, raw_clear_sessions_look]
);
