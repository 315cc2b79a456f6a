//! The limits of the worker's runs: a database or a role may have stricter ones than postgresql.conf, and no laxer ones, because a
//! database's owner, who is not the server's administrator, can say ALTER DATABASE.
//!
//! A process in a database in which another value is set no longer sees that of postgresql.conf. The launcher is in no
//! database: it writes what that says into shared memory, again after each reload.

use super::board::board;
use crate::settings::{LIMITS, Limits};
use std::cell::Cell;

thread_local! {
    /// What this worker's settings are where its database or its role has others than postgresql.conf.
    static OTHER: Cell<[bool; LIMITS]> = const { Cell::new([false; LIMITS]) };
}

/// This worker has connected to its database; before, its settings were these.
pub fn note_connected(before: [u64; LIMITS]) {
    let mut others = [false; LIMITS];
    let now = Limits::by_settings().in_numbers();
    for ((other, before), now) in others.iter_mut().zip(before).zip(now) {
        *other = before != now;
    }
    OTHER.set(others);
}

/// What a run of the worker's may take of which its policy says nothing.
pub fn of_worker() -> Limits {
    let limits = Limits::by_settings();
    let Some(board) = board() else { return limits };
    let mut numbers = limits.in_numbers();
    let administrators = board.limits.read();
    for ((number, most), other) in numbers.iter_mut().zip(administrators).zip(OTHER.get()) {
        if other {
            *number = most.min(*number);
        }
    }
    limits.with_numbers(numbers)
}
