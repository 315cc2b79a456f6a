//! What was written for a setting of the extension's and the server has not taken. PostgreSQL goes by the default then, or by
//! the value before, which may be the opposite of what was meant: `paused = yess`.

use crate::pg::{self, Written};
use std::ffi::CString;
use std::sync::OnceLock;

const PREFIX: &str = "raw_clear_sessions.";

/// What the server was started with, by the postmaster, from which the launcher has it.
static ON_COMMAND_LINE: OnceLock<Vec<Written>> = OnceLock::new();

/// Keeps what the command line says, of which nothing can be found once the settings are defined.
pub fn remember_command_line() {
    if pg::is_preloading() {
        ON_COMMAND_LINE.get_or_init(|| pg::written_on_command_line(PREFIX));
    }
}

/// The setting that stops the worker: a reload that gives it a bad value was to do that, or to end it.
const KILL_SWITCH: &str = "raw_clear_sessions.paused";

/// The name of a setting that has a value, on the command line or in the configuration files as they are, that it cannot have,
/// or that does not exist. Where the files cannot be read, the server takes nothing of them, and it is as it was `before`.
///
/// After a start it goes by defaults that nobody has chosen, until all is right. After a reload, by the values before.
pub fn refused(before: Option<String>, after_start: bool) -> Option<String> {
    let Some(in_files) = pg::written_in_files(PREFIX) else {
        return before;
    };
    let on_command_line = ON_COMMAND_LINE.get().into_iter().flatten().cloned();
    let counts = |name: &str| after_start || before.is_some() || name == KILL_SWITCH;
    let refused = |(name, value): &Written| {
        if !counts(name) {
            return false;
        }
        let name = CString::new(name.as_str()).unwrap_or_default();
        !pg::setting_takes_in_file(&name, value)
    };
    let mut written = on_command_line.chain(in_files);
    written.find(refused).map(|(name, _)| name)
}
