//! The database workers that are running.

use super::super::board::{Board, Ending, Ticket};
use super::super::entry::DATABASE_WORKER;
use super::super::state;
use super::super::stop_request::Place;
use super::super::waiting::Period;
use crate::pg::{self, Handle};
use crate::settings;
use logic::turns::{self, AtWork, TURN};
use pgrx::pg_sys;
use std::time::Instant;

/// A database worker that is running.
pub(super) struct Running {
    pub(super) ticket: Ticket,
    pub(super) database: pg_sys::Oid,
    /// `None`: it was started by an earlier launcher.
    handle: Option<Handle>,
    /// It was started before the last change of the settings or policies: what it reports may be out of date.
    pub(super) stale: bool,
    pub(super) stale_since: Option<Instant>,
    /// It was started beside another one of the same database.
    pub(super) is_helper: bool,
    pub(super) since: Instant,
    /// When it was asked to make place for another database's.
    pub(super) asked: Option<Instant>,
    /// It does not come back from a statement, and counts no more.
    is_deaf: bool,
}

impl Running {
    fn new(
        ticket: Ticket,
        database: pg_sys::Oid,
        is_helper: bool,
        handle: Option<Handle>,
    ) -> Running {
        Running {
            ticket,
            database,
            stale: handle.is_none(),
            stale_since: None,
            is_helper,
            handle,
            since: Instant::now(),
            asked: None,
            is_deaf: false,
        }
    }
}

pub(super) struct Workers {
    board: &'static Board,
    running: Vec<Running>,
}

/// How many processes there may be, deaf ones among them.
pub fn most_with_deaf() -> usize {
    settings::max_workers().saturating_mul(2)
}

impl Workers {
    /// Those that an earlier launcher has left.
    pub(super) fn adopt(board: &'static Board) -> Workers {
        let adopted = board.adopt().into_iter();
        let running = adopted
            .map(|(ticket, database, is_helper)| Running::new(ticket, database, is_helper, None))
            .collect();
        Workers { board, running }
    }

    /// Starts one of a database; false where there is no place for it on the board, or the server has none free. `waited`:
    /// what was due there in that time is due.
    pub(super) fn start(
        &mut self,
        database: pg_sys::Oid,
        is_helper: bool,
        waited: Option<Period>,
    ) -> bool {
        let Some(ticket) = self.board.assign(database, is_helper, waited) else {
            return false;
        };
        let handle = pg::start_database_worker(DATABASE_WORKER, ticket.to_argument());
        if handle.is_none() {
            self.board.free(ticket);
            return false;
        }
        let running = Running::new(ticket, database, is_helper, handle);
        self.running.push(running);
        true
    }

    /// What those of these databases report is out of date.
    pub(super) fn look_again(&mut self, which: impl Fn(pg_sys::Oid) -> bool) {
        for running in &mut self.running {
            if which(running.database) {
                running.stale = true;
                running.stale_since.get_or_insert_with(Instant::now);
                if let Some(place) = self.board.place(running.ticket) {
                    place.note_changes(self.board.changes());
                }
            }
        }
    }

    /// Those that have ended, which are no longer among these, and how.
    pub(super) fn take_ended(&mut self) -> Vec<(Running, Ending)> {
        let mut ended = Vec::new();
        for running in std::mem::take(&mut self.running) {
            // What a worker of ours has to say waits until its process is gone: only then another finds its place in
            // the server free.
            let gone = running.handle.as_ref().map(Handle::has_ended);
            let ending = self.board.ending(running.ticket, gone == Some(true));
            match ending.filter(|_| gone != Some(false)) {
                Some(ending) => ended.push((running, ending)),
                None => self.running.push(running),
            }
        }
        ended
    }

    /// All of them, also deaf ones.
    pub(super) fn all(&self) -> impl Iterator<Item = &Running> {
        self.running.iter()
    }

    /// What one is at, if it has begun and not ended.
    pub(super) fn place(&self, running: &Running) -> Option<&'static Place> {
        self.board.place(running.ticket)
    }

    /// Whether a database has one, but for deaf ones.
    pub(super) fn is_running(&self, database: pg_sys::Oid) -> bool {
        self.of(database).next().is_some()
    }

    /// Those of a database, but for deaf ones.
    pub(super) fn of(&self, database: pg_sys::Oid) -> impl Iterator<Item = &Running> {
        self.at_work()
            .filter(move |running| running.database == database)
    }

    /// All but for deaf ones.
    fn at_work(&self) -> impl Iterator<Item = &Running> {
        self.running.iter().filter(|running| !running.is_deaf)
    }

    /// Whether there are as many as there may be. Others come in the place of deaf ones, but not without end: who may act as many
    /// roles could use up all background workers of the server.
    pub(super) fn is_full(&self) -> bool {
        let most = settings::max_workers();
        self.at_work().count() >= most || self.running.len() >= most_with_deaf()
    }

    /// Sees which workers do not come back from a statement, and says so.
    pub(super) fn notice_deaf(&mut self) {
        let mut deaf_anew = false;
        for running in &mut self.running {
            let place = self.board.place(running.ticket);
            let deaf = place.filter(|place| place.is_deaf());
            if let Some(place) = deaf
                && !running.is_deaf
            {
                deaf_anew = true;
                let table = place.under_way().map_or(0, |run| run.table);
                let (pid, database) = (place.pid(), u32::from(running.database));
                pg::log(
                    &format!("worker process {pid} does not react, and others go on without it"),
                    Some(&format!(
                        "It was to end a statement on the table with OID {table} in the database with OID {database}, which checks for no interrupts."
                    )),
                    Some(
                        "Look at what the table's owner has put there: a filter, a function, a trigger, a foreign server that does not answer. No other table of this owner is cleared until it comes back.",
                    ),
                );
            }
            running.is_deaf = deaf.is_some();
        }
        let deaf = self.running.iter().filter(|running| running.is_deaf);
        if deaf_anew && let Some(off) = state::too_many_deaf(deaf.count()) {
            pg::log(&off.message, None, Some(&off.hint));
        }
    }

    /// Whether a worker has looked at its database since a policy of it has changed.
    pub(super) fn knows_all(&self, running: &Running) -> bool {
        self.place(running).is_none_or(Place::knows_all)
    }

    /// Asks workers to make place for so many databases that are due and have none.
    pub(super) fn make_place(&mut self, waiting: usize) {
        let at_work: Vec<AtWork> = self
            .running
            .iter()
            .map(|running| AtWork {
                elapsed: running.since.elapsed(),
                helps: running.is_helper,
                // From one that is deaf, nothing is to be had.
                asked: if running.is_deaf {
                    Some(TURN)
                } else {
                    running.asked.map(|asked| asked.elapsed())
                },
            })
            .collect();
        for index in turns::to_ask(waiting, &at_work) {
            let running = &mut self.running[index];
            self.board.end_turn(running.ticket);
            running.asked = Some(Instant::now());
        }
    }
}
