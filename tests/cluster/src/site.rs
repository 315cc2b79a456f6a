//! A site that stores, renews and ends sessions at random, and knows which of them are alive: the oracle of a storm.

use crate::session::Session;
use crate::table::{EXPIRED, LIVE};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

const KEYS: u32 = 50;

/// One site: it alone writes the sessions of its keys, so it knows which are alive.
pub struct Site {
    number: u32,
    session: Session,
    alive: HashSet<u32>,
    random: u64,
    /// Expired sessions that were renewed in the face of the clearing, and such that it had already deleted.
    pub renewed: u32,
    pub too_late: u32,
}

impl Site {
    pub fn new(number: u32, session: Session) -> Site {
        Site {
            number,
            session,
            alive: HashSet::new(),
            random: 0x9e37_79b9_7f4a_7c15 ^ u64::from(number + 1),
            renewed: 0,
            too_late: 0,
        }
    }

    /// A number below `limit`: xorshift, so that a run can be repeated.
    fn below(&mut self, limit: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % u64::from(limit)) as u32
    }

    /// Runs a statement for one key, `$1`, and returns how many rows it changed.
    fn change(&mut self, statement: &str, key: u32) -> u64 {
        let key = format!("site{}-{key}", self.number);
        self.session.change(statement, &key)
    }

    /// One request, or a few in one transaction, for a key chosen at random.
    fn step(&mut self) {
        let key = self.below(KEYS);
        if self.alive.contains(&key) {
            self.step_alive(key);
        } else {
            self.step_expired(key);
        }
    }

    /// A live session must be there, whatever is done with it.
    fn step_alive(&mut self, key: u32) {
        let renew =
            format!("UPDATE django_session SET expire_date = {LIVE} WHERE session_key = $1");
        let expire =
            format!("UPDATE django_session SET expire_date = {EXPIRED} WHERE session_key = $1");
        let changed = match self.below(8) {
            0..=1 => self.change(&renew, key),
            // Its lifetime is over: from the commit on, it may be deleted.
            2..=5 => {
                self.alive.remove(&key);
                self.change(&expire, key)
            }
            // Over and renewed in one transaction: nobody may see it expired.
            6 => {
                self.session.run("BEGIN");
                let expired = self.change(&expire, key);
                let renewed = self.change(&renew, key);
                self.session.run("COMMIT");
                expired.min(renewed)
            }
            _ => {
                self.alive.remove(&key);
                self.change("DELETE FROM django_session WHERE session_key = $1", key)
            }
        };
        assert_eq!(
            changed, 1,
            "site{}-{key} was alive and is lost",
            self.number
        );
    }

    /// A session that has expired, or is not there any more, or never was.
    fn step_expired(&mut self, key: u32) {
        let renew =
            format!("UPDATE django_session SET expire_date = {LIVE} WHERE session_key = $1");
        let upsert = format!(
            "INSERT INTO django_session VALUES ($1, '', {LIVE})
             ON CONFLICT (session_key) DO UPDATE SET expire_date = {LIVE}"
        );
        match self.below(4) {
            0 => {
                assert_eq!(self.change(&upsert, key), 1);
                self.alive.insert(key);
            }
            // Renewed and taken back: it is as expired as it was.
            1 => {
                self.session.run("BEGIN");
                self.change(&renew, key);
                self.session.run("ROLLBACK");
            }
            _ => {
                if self.change(&renew, key) == 1 {
                    self.alive.insert(key);
                    self.renewed += 1;
                } else {
                    self.too_late += 1;
                }
            }
        }
    }

    /// Works until it is told to stop.
    pub fn run(mut self, stop: &AtomicBool) -> Site {
        while !stop.load(Ordering::Relaxed) {
            self.step();
        }
        self
    }

    /// The keys of the sessions that have to be there.
    pub fn keys_alive(&self) -> impl Iterator<Item = String> {
        self.alive
            .iter()
            .map(|key| format!("site{}-{key}", self.number))
    }
}
