//! Messages that are no ERROR: to the server's log, or to the client.

use pgrx::PgLogLevel;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::PgSqlErrorCode;

/// A line of the server's log.
pub fn log(message: &str, detail: Option<&str>, hint: Option<&str>) {
    log_with_sqlstate(
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        message,
        detail,
        hint,
    );
}

/// A line of the server's log about an error that was caught.
pub fn log_with_sqlstate(
    sqlstate: PgSqlErrorCode,
    message: &str,
    detail: Option<&str>,
    hint: Option<&str>,
) {
    report(sqlstate, PgLogLevel::LOG, message, detail, hint);
}

/// A NOTICE to the client.
pub fn notice(message: &str, detail: Option<&str>, hint: Option<&str>) {
    report(
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        PgLogLevel::NOTICE,
        message,
        detail,
        hint,
    );
}

fn report(
    sqlstate: PgSqlErrorCode,
    level: PgLogLevel,
    message: &str,
    detail: Option<&str>,
    hint: Option<&str>,
) {
    let mut report = ErrorReport::new(sqlstate, message.to_owned(), "raw_clear_sessions");
    if let Some(detail) = detail {
        report = report.set_detail(detail);
    }
    if let Some(hint) = hint {
        report = report.set_hint(hint);
    }
    report.report(level);
}

/// The five characters of an SQLSTATE: six bits each, the first in the lowest (utils/elog.h, MAKE_SQLSTATE).
pub fn sqlstate_text(sqlstate: PgSqlErrorCode) -> String {
    let code = sqlstate as i32 as u32;
    (0..5)
        .map(|position| char::from((code >> (6 * position) & 0x3f) as u8 + b'0'))
        .collect()
}
