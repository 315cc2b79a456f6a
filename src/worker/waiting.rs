//! Databases that were due and whose worker had not come when the launcher began to keep the time anew: after a reload, a
//! restart or a crash. Their runs stay due, in contrast to those whose time has passed while nobody kept it.
//!
//! A database worker knows what is due; as long as none could be started, only the launcher knows that there is something.
//! So it remembers from when to when it kept the time before, also in a file, which is written when other databases wait
//! than before, and every few seconds as long as any does. One that is lost costs runs, and nothing else.

use crate::pg;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

/// Where extensions keep such files (utils/pgstat.h), below the data directory, where all processes are at home.
const FILE: &str = "pg_stat/raw_clear_sessions.waiting";
const NEW_FILE: &str = "pg_stat/raw_clear_sessions.waiting.tmp";

/// For how long what the file says counts as now, in microseconds.
const WRITE_AGAIN: u64 = 5_000_000;

/// From when to when the time was kept: what was due in between, and has not been done since, is due.
pub type Period = (i64, i64);

#[derive(Default)]
pub struct Waiting {
    periods: BTreeMap<u32, Period>,
    /// Which databases the file has, and when it was written.
    written: (BTreeSet<u32>, i64),
}

impl Waiting {
    /// What the last launcher has left.
    pub fn load() -> Waiting {
        let text = fs::read_to_string(FILE).unwrap_or_default();
        let periods: BTreeMap<u32, Period> = text.lines().filter_map(parse).collect();
        let written = (periods.keys().copied().collect(), i64::MIN);
        Waiting { periods, written }
    }

    pub fn period(&self, database: u32) -> Option<Period> {
        self.periods.get(&database).copied()
    }

    /// The database waits while the time begins to be kept anew.
    pub fn keep(&mut self, database: u32, (from, until): Period) {
        let from = self.period(database).map_or(from, |(first, _)| first);
        self.periods.insert(database, (from, until));
    }

    /// Nothing waits in the database any more.
    pub fn forget(&mut self, database: u32) {
        self.periods.remove(&database);
    }

    pub fn databases(&self) -> impl Iterator<Item = u32> {
        self.periods.keys().copied()
    }

    pub fn retain(&mut self, which: impl Fn(u32) -> bool) {
        self.periods.retain(|database, _| which(*database));
    }

    /// Brings the file in line: with these databases, which wait now, as if the time of this period ended here.
    pub fn save(&mut self, now_waiting: impl Iterator<Item = u32>, (since, now): Period) {
        let mut periods = self.periods.clone();
        for database in now_waiting {
            let (from, _) = periods.get(&database).copied().unwrap_or((since, now));
            periods.insert(database, (from, now));
        }
        let databases: BTreeSet<u32> = periods.keys().copied().collect();
        let (written, at) = &self.written;
        let is_old = !databases.is_empty() && now.abs_diff(*at) >= WRITE_AGAIN;
        if databases == *written && !is_old {
            return;
        }
        if let Err(error) = write(&periods) {
            pg::log(
                &format!("could not write file \"{FILE}\": {error}"),
                Some("Runs that wait for a worker are lost if the server is restarted."),
                None,
            );
        }
        self.written = (databases, now);
    }
}

fn parse(line: &str) -> Option<(u32, Period)> {
    let mut fields = line.split(' ');
    let database = fields.next()?.parse().ok()?;
    let from = fields.next()?.parse().ok()?;
    let until = fields.next()?.parse().ok()?;
    Some((database, (from, until)))
}

fn write(periods: &BTreeMap<u32, Period>) -> io::Result<()> {
    if periods.is_empty() {
        return match fs::remove_file(FILE) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let lines = periods
        .iter()
        .map(|(database, (from, until))| format!("{database} {from} {until}\n"));
    fs::write(NEW_FILE, lines.collect::<String>())?;
    fs::rename(NEW_FILE, FILE)
}
