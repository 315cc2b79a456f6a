//! The settings, all prefixed `raw_clear_sessions.`.

use pgrx::PostgresGucEnum;
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};

/// What removes the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PostgresGucEnum)]
pub enum Engine {
    /// The raw engine wherever it does the same as SQL's DELETE, SQL everywhere else.
    #[name = c"auto"]
    Auto,
    /// SQL's DELETE everywhere, so that it passes the executor and the extensions that watch it, for audits.
    #[name = c"sql"]
    Sql,
}

/// `raw_clear_sessions.engine`: auto (default) or sql. Only superusers, and roles that were granted SET on it, can
/// change it, because an audit may rely on it.
static ENGINE: GucSetting<Engine> = GucSetting::<Engine>::new(Engine::Auto);

/// The current value of `raw_clear_sessions.engine`.
pub fn engine() -> Engine {
    ENGINE.get()
}

/// Defines the settings and reserves their prefix, so that a misspelt name is an ERROR in SET and a WARNING in
/// postgresql.conf.
pub fn define() {
    GucRegistry::define_enum_guc(
        c"raw_clear_sessions.engine",
        c"Sets what removes expired rows.",
        c"\"auto\" deletes without the executor wherever that cannot differ from SQL's DELETE; \"sql\" always uses SQL.",
        &ENGINE,
        GucContext::Suset,
        GucFlags::default(),
    );
    crate::pg::reserve_setting_prefix(c"raw_clear_sessions");
}

pub fn limits() -> crate::run::Limits {
    crate::run::Limits {
        batch_size: 500,
        max_rows: None,
        max_duration: None,
        cost_delay: std::time::Duration::ZERO,
        cost_limit: 200,
        max_replication_lag: None,
        lock_timeout: std::time::Duration::from_secs(1),
    }
}
