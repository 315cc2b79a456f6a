//! Session tables to clear: Django's, because it is recognized without parameters.

use crate::session::Session;

/// When an expired session expired, in SQL; for a column default or a literal.
pub const EXPIRED: &str = "'2020-01-01 00:00+00'";

/// When a live session expires, in SQL.
pub const LIVE: &str = "'2199-01-01 00:00+00'";

/// Creates a table like Django's with its index on the expiry column, and fills it with rows: of each `every`, the
/// first is live and the others have expired.
pub fn create_sessions(session: &mut Session, table: &str, rows: u32, every: u32) {
    session.run(&format!(
        "CREATE TABLE {table} (
             session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
         INSERT INTO {table}
             SELECT 'key' || i, 'data' || i, CASE WHEN i % {every} = 1 THEN {LIVE} ELSE {EXPIRED} END::timestamptz
             FROM generate_series(1, {rows}) AS i;
         CREATE INDEX {table}_expire_date ON {table} (expire_date);
         ANALYZE {table};"
    ));
}

/// A digest of a table's contents, whatever the order of its rows.
pub fn fingerprint(session: &mut Session, table: &str) -> String {
    session.text(&format!(
        "SELECT count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {table} AS t"
    ))
}

/// Asserts that a table, its toast table and its indexes are what the storage layer's own checks expect. Needs the
/// extensions amcheck and pg_visibility.
pub fn assert_sound(session: &mut Session, table: &str) {
    let findings: Option<String> = session.value(&format!(
        "SELECT string_agg(finding::text, ', ') FROM verify_heapam('{table}') AS finding"
    ));
    assert_eq!(findings, None, "verify_heapam on {table}");
    // The thorough check takes a lock that nobody gets on a standby.
    let check = if session.yes("SELECT pg_is_in_recovery()") {
        "bt_index_check(indexrelid, heapallindexed => true)"
    } else {
        "bt_index_parent_check(indexrelid, heapallindexed => true, rootdescend => true)"
    };
    session.run(&format!(
        "SELECT {check}
         FROM pg_index, pg_class c
         WHERE c.oid = '{table}'::regclass AND indrelid IN (c.oid, c.reltoastrelid)"
    ));
    let wrong = session.number(&format!(
        "SELECT (SELECT count(*) FROM pg_check_visible('{table}')) + (SELECT count(*) FROM pg_check_frozen('{table}'))"
    ));
    assert_eq!(wrong, 0, "the visibility map of {table}");
}
