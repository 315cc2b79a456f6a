//! Why a run is to end.

use crate::run::Stop;

/// Why a run is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// `raw_clear_sessions.paused` is on.
    Paused,
    /// The policy has gone or rests, or the database is no longer listed.
    Unscheduled,
    /// The table's owner wants it to.
    Canceled,
    /// Another session wants the database for itself.
    DatabaseWanted,
    /// Another session waits for a lock that the statement holds.
    LockWanted,
    /// The run has used up its time.
    OutOfTime,
    /// At its end it has waited for a lock for too long, and others behind it.
    HoldsUpOthers,
    /// A statement of it has kept other tables, or another database, waiting for longer than `blocking_timeout`.
    KeepsOthersWaiting,
}

const REASONS: [Reason; 8] = [
    Reason::Paused,
    Reason::Unscheduled,
    Reason::Canceled,
    Reason::DatabaseWanted,
    Reason::LockWanted,
    Reason::OutOfTime,
    Reason::HoldsUpOthers,
    Reason::KeepsOthersWaiting,
];

impl Reason {
    /// In shared memory; 0 is none.
    pub fn number(self) -> u32 {
        let found = (1..).zip(REASONS).find(|(_, reason)| *reason == self);
        found.map_or(0, |(number, _)| number)
    }

    pub fn from_number(number: u32) -> Option<Reason> {
        REASONS.get((number as usize).checked_sub(1)?).copied()
    }

    /// Why, after "because".
    pub fn in_words(self) -> &'static str {
        match self {
            Reason::Paused => "the worker was paused",
            Reason::Unscheduled => "the table was no longer to be cleared",
            Reason::Canceled => "the table's owner had the run canceled",
            Reason::DatabaseWanted => "another session wanted the database for itself",
            Reason::LockWanted => "another session waited for a lock that it held",
            Reason::OutOfTime => "the run had used up its time",
            Reason::HoldsUpOthers => "it waited for a lock for too long, and others behind it",
            Reason::KeepsOthersWaiting => "other tables or databases had waited for too long",
        }
    }

    /// The stop reason of a run that ends for it; `None` where it ends with an error.
    pub fn stop(self) -> Option<Stop> {
        match self {
            Reason::Paused => Some(Stop::Paused),
            Reason::Unscheduled => Some(Stop::Unscheduled),
            Reason::Canceled => Some(Stop::Canceled),
            Reason::OutOfTime => Some(Stop::MaxDuration),
            Reason::DatabaseWanted
            | Reason::LockWanted
            | Reason::HoldsUpOthers
            | Reason::KeepsOthersWaiting => None,
        }
    }
}
