//! What a database worker sets for itself, so that nobody's setting for all, for a database, or for the role that it
//! connects as can stop it or change what it does, as autovacuum's workers do it (postmaster/autovacuum.c).
//!
//! PostgreSQL's settings that ALTER DATABASE and ALTER ROLE can set, one group after the other:
//!
//! - who acts, and whether it may write: set: the authenticated user, no role, read-write
//! - time limits for statements, transactions and idle sessions: none; a statement of a run has its own limit.
//!   `lock_timeout` and vacuum's costs are the run's
//! - what makes SQL mean something else (search path, string literals, `transform_null_equals`, the formats of intervals,
//!   binary strings and XML, row security, triggers' roles, which kinds of relations may be named): PostgreSQL's defaults, by
//!   which a policy was checked
//! - what hides damage (`zero_damaged_pages`, `ignore_checksum_failure`) or makes every error the end of the process
//!   (`exit_on_error`): off
//! - commits: asynchronous, and on the local disk at the end of a run ([`super::host::commit_durably`])
//! - the planner: `jit` and `plan_cache_mode`, because its statements are short and are planned for their values; costs,
//!   methods, memory and parallelism stay the administrator's, they change how fast it is and not what it does
//! - `TimeZone`, `DateStyle`: left; an expression that they matter to has a zone of its own, in which it is evaluated
//! - `lc_*`, `default_text_search_config`: left, because an expression of a policy may rely on the database's
//! - logging, tracing, statistics, `track_*`, tablespaces, compression, memory and file limits, preloaded libraries, other
//!   extensions' settings: left, they are the administrator's orders, also for this process
//! - the client's (encoding, keepalives, `client_min_messages`), defaults for what it never makes (tables, roles,
//!   functions): no effect

use crate::pg;
use core::ffi::CStr;

/// Sets everything that does not depend on this extension's own settings. Once, after connecting, outside of transactions.
pub fn apply() {
    pg::act_as_authenticated();
    for (name, value) in FIXED {
        // Some are not known to each version.
        if pg::setting_takes(name, &value.to_string_lossy()) {
            pg::set_for_session(name, value);
        }
    }
}

/// For how long the launcher waits for the lock of pg_database, in milliseconds: others can keep it waiting, and it has to go on
/// with the databases that it knows.
const LAUNCHER_LOCK_TIMEOUT: &CStr = c"1000";

/// Sets what the launcher depends on, which looks up the databases and no more. As [`apply`].
pub fn apply_to_launcher() {
    for (name, value) in [
        (c"lock_timeout", LAUNCHER_LOCK_TIMEOUT),
        (c"transaction_timeout", c"0"),
    ] {
        if pg::setting_takes(name, &value.to_string_lossy()) {
            pg::set_for_session(name, value);
        }
    }
}

const FIXED: [(&CStr, &CStr); 28] = [
    (c"default_transaction_read_only", c"off"),
    (c"default_transaction_isolation", c"read committed"),
    (c"default_transaction_deferrable", c"off"),
    (c"session_replication_role", c"origin"),
    (c"row_security", c"on"),
    (c"search_path", c"pg_catalog, pg_temp"),
    (c"restrict_nonsystem_relation_kind", c""),
    (c"standard_conforming_strings", c"on"),
    (c"transform_null_equals", c"off"),
    (c"quote_all_identifiers", c"off"),
    (c"extra_float_digits", c"1"),
    (c"intervalstyle", c"postgres"),
    (c"bytea_output", c"hex"),
    (c"xmlbinary", c"base64"),
    (c"xmloption", c"content"),
    (c"array_nulls", c"on"),
    (c"statement_timeout", c"0"),
    (c"transaction_timeout", c"0"),
    (c"idle_in_transaction_session_timeout", c"0"),
    (c"idle_session_timeout", c"0"),
    (c"zero_damaged_pages", c"off"),
    (c"ignore_checksum_failure", c"off"),
    (c"exit_on_error", c"off"),
    (c"allow_system_table_mods", c"off"),
    (c"jit", c"off"),
    (c"plan_cache_mode", c"auto"),
    (c"lo_compat_privileges", c"off"),
    (c"synchronous_commit", c"off"),
];
