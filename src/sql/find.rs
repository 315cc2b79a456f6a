//! What raw_clear_sessions_find() is made of.

use crate::find;
use crate::pg;
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
        name!(call, String),
        name!(schedule_call, String),
    ),
> {
    pg::prevent_in_parallel_mode(c"raw_clear_sessions_find()");
    let _aside = pg::MemoryAside::set();
    TableIterator::new(find::find().into_iter().map(|found| {
        (
            found.table,
            found.name,
            found.framework.map(str::to_owned),
            found.missing,
            found.keep,
            found.expires,
            found.unit,
            found.time_zone,
            found.filter,
            found.lives_on,
            found.call,
            found.schedule_call,
        )
    }))
}

extension_sql_file!(
    "../../sql/find.sql",
    name = "find",
    requires = ["views", raw_clear_sessions_found]
);
