//! Whether the worker works in this database, for the views.

use super::board::{Board, board};
use super::clock_step;
use super::failures::Kind;
use super::launcher;
use crate::pg;
use crate::settings;
use logic::clock_step::Ahead;
use logic::names::Databases;
use std::borrow::Cow;
use std::time::Duration;

/// Why the worker does not work in this database, and what to do about it.
pub struct Off {
    pub message: Cow<'static, str>,
    pub hint: String,
}

/// Whether the setting `databases` has this database. In a transaction.
pub fn is_listed() -> bool {
    match settings::databases() {
        Databases::None => false,
        Databases::All => true,
        Databases::Listed(names) => names.contains(&pg::my_database_name()),
    }
}

/// Whether nothing is to be cleared, as the setting `paused` says, or one that was not understood may have been to say.
pub fn is_paused() -> bool {
    settings::paused() || board().is_some_and(|board| board.refused().is_some())
}

/// The same, or the clock cannot be gone by.
pub fn rests() -> bool {
    is_paused() || clock_step::ahead().is_some()
}

/// `None`: it works.
pub fn why_off() -> Option<Off> {
    let (message, hint) = if board().is_none() {
        (
            "the worker is off",
            "Add \"raw_clear_sessions\" to \"shared_preload_libraries\" and restart the server."
                .to_owned(),
        )
    } else if let Some(setting) = board().and_then(Board::refused) {
        return Some(refused(&setting));
    } else {
        let name = pg::my_database_name();
        if !is_listed() {
            (
                "the worker does not work in this database",
                format!(
                    "Add \"{name}\" to \"raw_clear_sessions.databases\" and reload the configuration."
                ),
            )
        } else if settings::paused() {
            (
                "the worker is paused",
                "Turn \"raw_clear_sessions.paused\" off and reload the configuration.".to_owned(),
            )
        } else if let Some(ahead) = clock_step::ahead() {
            return Some(clock_ahead(&ahead));
        } else if pg::in_recovery() {
            (
                "the worker does not work on a standby",
                "It starts when the server is promoted.".to_owned(),
            )
        } else if board().is_some_and(|board| board.launcher().is_none()) {
            (
                "the worker is not running",
                "It starts again by itself; if it does not, the server's log says why.".to_owned(),
            )
        } else {
            return failing();
        }
    };
    Some(Off {
        message: message.into(),
        hint,
    })
}

/// What a setting does that PostgreSQL has not taken.
pub fn refused(setting: &str) -> Off {
    Off {
        message: format!("the worker rests because the setting \"{setting}\" has a bad value or does not exist").into(),
        hint: "Correct it and reload the configuration (the view pg_file_settings shows where it is), or restart the server if it is on its command line."
            .to_owned(),
    }
}

/// What a clock does that was set ahead.
pub fn clock_ahead(ahead: &Ahead) -> Off {
    let minutes = |time: Duration| time.as_secs().div_ceil(60);
    let by = match minutes(ahead.step) {
        by if by < 2 * 60 => format!("{by} minutes"),
        by if by < 2 * 24 * 60 => format!("{} hours", by / 60),
        by => format!("{} days", by / (24 * 60)),
    };
    Off {
        message: format!("the worker rests because the clock of the server was set ahead by {by}")
            .into(),
        hint: format!(
            "Set the clock right if it is wrong. If it is right, nothing is to be done: the worker goes on in {} minutes, or when the server is restarted.",
            minutes(ahead.left)
        ),
    }
}

/// When the worker comes to this database again, which it leaves alone because it has failed there; `None`: it does not, or it
/// is off.
pub fn next_try() -> Option<i64> {
    let board = board()?;
    board.launcher().filter(|_| is_listed() && !is_paused())?;
    board.failures.next_try(pg::my_database())
}

/// What keeps the worker from the tables of this database, though it is on.
fn failing() -> Option<Off> {
    let board = board()?;
    let error = board.failures.of(pg::my_database());
    // Who asks has the extension: the worker will see it, too.
    if let Some((kind, error)) = error.filter(|(kind, _)| *kind != Kind::NotInstalled) {
        let when = match kind {
            Kind::LockedOut => "every few seconds",
            _ => "after a minute at first and an hour at most",
        };
        return Some(Off {
            message: format!("the worker fails in this database: {error}").into(),
            hint: format!("It is tried again, {when}; the server's log has the whole error."),
        });
    }
    let shortage = || {
        board.shortage().map(|_| Off {
            message: "no background worker is free to clear sessions".into(),
            hint: "Consider increasing \"max_worker_processes\".".to_owned(),
        })
    };
    too_many_deaf(board.deaf().count()).or_else(shortage)
}

/// What so many processes that do not react keep from being started, if they do.
pub fn too_many_deaf(deaf: usize) -> Option<Off> {
    (deaf >= launcher::most_with_deaf()).then(|| Off {
        message: format!("{deaf} processes of the worker do not react, and no more are started").into(),
        hint: "The server's log says which tables they are at: something there checks for no interrupts. They end when it comes back, or with a restart of the server. Until then a greater \"raw_clear_sessions.max_workers\" has more started."
            .to_owned(),
    })
}
