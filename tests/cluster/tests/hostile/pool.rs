//! What the calls are made of: rules that mean something, and what must be refused.

/// What a value of `expires` is, for the condition that plain SQL would have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Instant,
    Naive,
    Day,
    Number,
}

/// A rule that every table can be cleared by.
#[derive(Clone, Copy, Debug)]
pub struct Expires {
    pub text: &'static str,
    /// As SQL, where that differs.
    pub sql: &'static str,
    pub kind: Kind,
    pub unit: Option<&'static str>,
}

const fn expires(text: &'static str, kind: Kind) -> Expires {
    Expires {
        text,
        sql: text,
        kind,
        unit: None,
    }
}

const fn number(text: &'static str, unit: &'static str) -> Expires {
    Expires {
        text,
        sql: text,
        kind: Kind::Number,
        unit: Some(unit),
    }
}

const fn named(text: &'static str, sql: &'static str) -> Expires {
    Expires {
        text,
        sql,
        kind: Kind::Instant,
        unit: None,
    }
}

pub const EXPIRES: [Expires; 30] = [
    expires("at", Kind::Instant),
    expires("at", Kind::Instant),
    expires("naive", Kind::Naive),
    expires("day", Kind::Day),
    number("secs", "seconds"),
    number("i4", " SECONDS "),
    number("millis", "milliseconds"),
    number("micros", "microseconds"),
    number("f8", "seconds"),
    number("num", "seconds"),
    expires("dom", Kind::Instant),
    named("select", "t.\"select\""),
    named("\"select\"", "t.\"select\""),
    named("Odd \"col'umn\\", "t.\"Odd \"\"col'umn\\\""),
    named("\"Odd \"\"col'umn\\\"", "t.\"Odd \"\"col'umn\\\""),
    expires("AT", Kind::Instant),
    expires("(at)", Kind::Instant),
    expires("at::timestamptz", Kind::Instant),
    expires("/* a ; */ at -- b", Kind::Instant),
    expires("at + interval '0'", Kind::Instant),
    expires("f.stable(at)", Kind::Instant),
    expires("greatest(at, NULL)", Kind::Instant),
    expires("coalesce(at, naive AT TIME ZONE 'UTC')", Kind::Instant),
    expires("CASE WHEN id % 2 = 0 THEN at END", Kind::Instant),
    expires("naive + interval '0'", Kind::Naive),
    expires("day + 0", Kind::Day),
    expires("dom::f.instant", Kind::Instant),
    number("secs * 1000", "milliseconds"),
    number("(secs / 2) * 2 ", "seconds"),
    number(
        "nullif(millis, 9223372036854775807) / 1000::numeric",
        "seconds",
    ),
];

/// No rule: whoever is called has to refuse it, whatever else is asked for.
pub const NO_EXPIRES: [&str; 42] = [
    "",
    " ",
    "nonexistent",
    "1",
    "now()",
    "NULL",
    "at; DROP TABLE f.plain",
    "at) OR (true",
    "at), (at",
    "at < now() OR true",
    "(SELECT t.at)",
    "EXISTS (SELECT 1)",
    "max(at)",
    "max(at) OVER ()",
    "generate_series(1, 2)",
    "f.volatile(at)",
    "clock_timestamp()",
    "CASE WHEN pg_sleep(0) IS NULL THEN at END",
    "t",
    "t.*",
    "*",
    "ROW(at)",
    "ctid",
    "xmin",
    "tableoid",
    "txt",
    "mood",
    "pair",
    "arr",
    "at::text",
    "at::f.nowhere",
    "at AS b",
    "at, naive",
    "at FROM f.plain",
    "at WHERE true",
    "at ORDER BY 1",
    "$1",
    ":at",
    "at'",
    "\"at",
    "/* at",
    "DEFAULT",
];

/// Conditions that every row can be asked.
pub const FILTERS: [&str; 12] = [
    "true",
    "false",
    "id % 2 = 0",
    "txt IS NULL",
    "txt = 'it''s'",
    "id = ANY ('{1,2,3}')",
    "(tableoid, id) IS NOT NULL",
    "NOT (id > 3) OR mood = 'ok'",
    "f.stable(at) IS NOT NULL",
    "ctid IS NOT NULL",
    "NULL",
    "id > 3 -- comment",
];

/// No conditions; the last ones fail as soon as they see a row.
pub const NO_FILTERS: [&str; 16] = [
    "",
    "1",
    "id",
    "id > 0 AND",
    "true; DELETE FROM f.plain",
    "true) OR (true",
    "EXISTS (SELECT FROM f.plain)",
    "random() < 2",
    "count(*) > 0",
    "nonexistent",
    "at",
    "id = 'one'",
    "generate_series(1, 2) > 0",
    "id / 0 = 1 AND f.failing(id)",
    "f.failing(id)",
    "(txt || 'x')::integer = 1",
];

pub const KEEPS: [&str; 6] = ["0", "1 hour", "1 day", "30 days", "1 mon", "1 day 0.5 us"];
/// Negative, or further back than there is time.
pub const NO_KEEPS: [&str; 5] = [
    "-1 day",
    "1 mon -31 days",
    "100000 years",
    "178000000 years",
    "2147483647 days",
];

pub const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Berlin",
    "america/new_york",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "EST5EDT",
];
pub const NO_ZONES: [&str; 11] = [
    "EST5EDT,M3.2.0,M11.1.0",
    "<+0530>-5:30",
    "",
    "Mars/Olympus",
    "../../../etc/passwd",
    "/etc/passwd",
    "UTC'; DROP TABLE f.plain; --",
    "Europe/Berlin ",
    "☃",
    "Europe/\u{7f}",
    "a name that is far too long for a zone, a name that is far too long for a zone, a name that is far too long for a zone, a name that is far too long for a zone, a name that is far too long for a zone, a name that is far too long for a zone, a name that is far",
];
pub const NO_UNITS: [&str; 8] = ["", "s", "ms", "second", "years", "☃", "sec'onds", "NULL"];

/// Tables that can be cleared, as SQL names them.
pub const TABLES: [&str; 27] = [
    "f.plain",
    "f.plain",
    "f.indexed",
    "f.indexed",
    "f.unlogged",
    "f.ranged",
    "f.ranged_old",
    "f.listed",
    "f.listed_few",
    "f.listed_hashed",
    "f.empty_partitioned",
    "f.parent",
    "f.child",
    "f.added",
    "f.triggered",
    "f.statements",
    "f.nothing",
    "f.referenced",
    "f.restricted",
    "f.secured",
    "f.forced",
    "f.published",
    "f.remote",
    "pg_temp.hot",
    "f.\"Odd \"\"t'able\\; -- $1 %s {} ä\"",
    "f.\"ein Name von genau dreiundsechzig Bytes, wie PostgreSQL sie kürzt\"",
    "f.plain",
];

/// What has no rows that could be cleared, or not these.
pub const NO_TABLES: [&str; 24] = [
    "NULL",
    "0",
    "1",
    "4294967295",
    "'f.nowhere'",
    "''",
    "'a.b.c.d'",
    "'\"'",
    "'f.viewed'",
    "'f.materialized'",
    "'f.numbers'",
    "'f.plain_pkey'",
    "'f.listed_id_idx'",
    "'f.pair'",
    "'f.columnless'",
    "'f.typed'",
    "'pg_class'",
    "'pg_largeobject'",
    "'pg_toast.pg_toast_1255'",
    "'information_schema.sql_features'",
    "'information_schema.tables'",
    "'pg_stat_activity'",
    "'raw_clear_sessions.status'",
    "'pg_temp.nowhere'",
];

pub const ROLES: [&str; 9] = [
    "postgres",
    "postgres",
    "f_owner",
    "f_deleter",
    "f_delete_only",
    "f_column",
    "f_reader",
    "f_none",
    "f_member",
];

/// Settings that a session can have, and that must make no difference.
pub const SETTINGS: [&str; 40] = [
    "search_path = ''",
    "search_path = f, public",
    "search_path = pg_temp, f, pg_catalog",
    "timezone = 'Pacific/Kiritimati'",
    "timezone = 'America/New_York'",
    "datestyle = 'German, DMY'",
    "intervalstyle = 'iso_8601'",
    "intervalstyle = 'sql_standard'",
    "extra_float_digits = -15",
    "bytea_output = 'escape'",
    "quote_all_identifiers = on",
    "transform_null_equals = on",
    "standard_conforming_strings = off",
    "backslash_quote = on",
    "escape_string_warning = on",
    "enable_seqscan = off",
    "enable_indexscan = off",
    "enable_bitmapscan = off",
    "enable_tidscan = off",
    "enable_partition_pruning = off",
    "constraint_exclusion = on",
    "constraint_exclusion = off",
    "plan_cache_mode = 'force_generic_plan'",
    "cpu_tuple_cost = 100",
    "random_page_cost = 0",
    "jit = on",
    "jit_above_cost = 0",
    "work_mem = '64kB'",
    "default_transaction_read_only = on",
    "default_transaction_isolation = 'serializable'",
    "xmloption = 'document'",
    "array_nulls = off",
    "check_function_bodies = off",
    "track_activities = off",
    "synchronous_commit = 'off'",
    "lock_timeout = '1h'",
    "default_statistics_target = 1",
    "raw_clear_sessions.batch_size = 1",
    "raw_clear_sessions.max_run_time = 1",
    "raw_clear_sessions.max_replication_lag = 1",
];

/// Settings that are for superusers.
pub const SUPERUSER_SETTINGS: [&str; 3] = [
    "session_replication_role = 'replica'",
    "raw_clear_sessions.engine = 'sql'",
    "log_statement_stats = on",
];

pub const SCHEDULES: [&str; 16] = [
    "15 min",
    "*/15 * * * *",
    "@daily",
    "0 0 29 2 *",
    "",
    "5",
    "1 s",
    "0 s",
    "-1 s",
    "367 d",
    "* * * *",
    "0 0 30 2 *",
    "@reboot",
    "99999999999999999999 s",
    "☃ * * * *",
    "'; DROP TABLE f.plain",
];
