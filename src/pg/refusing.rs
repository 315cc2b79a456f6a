//! PostgreSQL's complaints about what a caller passed.

use crate::refusal::Refusal;
use pgrx::PgTryBuilder;
use pgrx::pg_sys::panic::CaughtError;
use std::panic::AssertUnwindSafe;

/// Runs something that looks at a parameter, and makes PostgreSQL's ERROR a refusal, with this HINT if it has none. The
/// error's position, which would be one in another text, goes.
///
/// A refusal is raised in the end, so that the transaction is aborted as it would have been.
pub fn refusing<T>(hint: &str, look: impl FnOnce() -> T) -> Result<T, Refusal> {
    let mut look = Some(look);
    PgTryBuilder::new(AssertUnwindSafe(|| Ok(look.take().expect("looks once")())))
        .catch_others(|error| match error {
            CaughtError::PostgresError(report) => {
                let refusal = Refusal::new(report.sql_error_code(), report.message())
                    .hint(report.hint().unwrap_or(hint));
                Err(match report.detail() {
                    Some(detail) => refusal.detail(detail),
                    None => refusal,
                })
            }
            other => other.rethrow(),
        })
        .execute()
}
