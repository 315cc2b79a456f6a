//! A storm: sites make requests at full speed, at one isolation level, while the table is cleared again and again and
//! vacuumed, until so many sessions have been renewed.

use crate::database::Database;
use crate::isolation::Isolation;
use crate::session::{Session, sqlstate};
use crate::site::{Site, assert_alive};
use crate::table::{EXPIRED, assert_sound};
use crate::torture::{self, Tally};
use crate::wait::LIMIT;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{panicking, scope, sleep};
use std::time::{Duration, Instant};

const SITES: u32 = 4;

/// So many renewals lie between the beginnings of two clearings at least: otherwise every expired session would be gone
/// before anybody renewed it.
const RENEWALS_A_ROUND: u64 = 100;

/// So often is looked how far the storm is.
const INTERVAL: Duration = Duration::from_millis(1);

/// What happens beside the sites, in a loop: given the number of the round, it returns how many rows it deleted.
pub type Cleaner<'a> = Box<dyn FnMut(u64) -> i64 + Send + 'a>;

/// What the threads of a storm have in common.
#[derive(Default)]
struct Weather {
    stop: AtomicBool,
    renewals: AtomicU64,
    rounds: AtomicU64,
}

/// Stops the others where one of the threads has failed.
struct StopOnPanic<'a>(&'a Weather);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if panicking() {
            self.0.stop.store(true, Ordering::Relaxed);
        }
    }
}

impl Weather {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Lets it rage until enough has happened, or somebody has failed.
    fn wait(&self, renewals: u64, rounds: u64) {
        let (mut seen, mut since) = (0, Instant::now());
        loop {
            let renewed = self.renewals.load(Ordering::Relaxed);
            let cleared = self.rounds.load(Ordering::Relaxed);
            if self.is_over() || (renewed >= renewals && cleared >= rounds) {
                break;
            }
            if renewed + cleared > seen {
                (seen, since) = (renewed + cleared, Instant::now());
            }
            if since.elapsed() > LIMIT {
                self.stop.store(true, Ordering::Relaxed);
                panic!("nobody gets on");
            }
            sleep(INTERVAL);
        }
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Runs all that is to run at the same time, until enough has happened; returns how many rows were cleared.
    fn rage(
        &self,
        sites: &mut [Site],
        mut vacuuming: Session,
        mut cleaner: Cleaner<'_>,
        rounds: u64,
    ) -> i64 {
        scope(|threads| {
            let sites: Vec<_> = sites
                .iter_mut()
                .map(|site| {
                    threads.spawn(move || {
                        let _stop = StopOnPanic(self);
                        site.run(&self.stop, &self.renewals);
                    })
                })
                .collect();
            // So that the place of a deleted row is soon another's.
            let vacuum = threads.spawn(move || {
                self.repeat(|_| {
                    vacuuming.run("VACUUM django_session");
                    0
                })
            });
            let cleaner = threads.spawn(move || {
                self.repeat(|round| {
                    let deleted = cleaner(round);
                    self.rounds.fetch_add(1, Ordering::Relaxed);
                    deleted
                })
            });
            self.wait(torture::renewals(), rounds);
            for site in sites {
                site.join().expect("no session is lost");
            }
            vacuum.join().expect("VACUUM goes on");
            cleaner.join().expect("the clearing goes on")
        })
    }

    /// Waits until it is time for this round; whether there is to be one.
    fn wait_for_turn(&self, round: u64) -> bool {
        while !self.is_over() {
            if self.renewals.load(Ordering::Relaxed) >= round * RENEWALS_A_ROUND {
                return true;
            }
            sleep(INTERVAL);
        }
        false
    }

    /// Repeats something until the storm is over; returns the sum of what it returned.
    fn repeat(&self, mut action: impl FnMut(u64) -> i64) -> i64 {
        let _stop = StopOnPanic(self);
        let mut sum = 0;
        for round in 0.. {
            if !self.wait_for_turn(round) {
                break;
            }
            sum += action(round);
        }
        sum
    }
}

/// Runs a storm on the empty table django_session of a database with [`Database::with_checks`]. Asserts that it was one,
/// and that then all sessions that have to be alive are. Expired ones may be left.
///
/// `cleaner` is repeated as long as the storm lasts, at least `rounds` times.
pub fn storm(
    database: &Database<'_>,
    isolation: Isolation,
    what: &str,
    rounds: u64,
    cleaner: Cleaner<'_>,
) -> (Vec<Site>, Tally) {
    let weather = &Weather::default();
    let mut sites: Vec<Site> = (0..SITES)
        .map(|number| {
            let mut session = database.connect();
            session.run(&isolation.setting());
            Site::new(number, session)
        })
        .collect();
    let deleted = weather.rage(&mut sites, database.connect(), cleaner, rounds);
    let sum = |number: fn(&Site) -> u32| -> u32 { sites.iter().map(number).sum() };
    let (renewed, too_late) = (sum(|site| site.renewed), sum(|site| site.too_late));
    eprintln!(
        "{what}: expired sessions renewed in time {renewed}, too late {too_late}; requests sent again {}",
        sum(|site| site.retries)
    );
    assert!(
        renewed > 0 && too_late > 0,
        "{what}: a storm was meant to be"
    );
    let tally = Tally {
        rounds: weather.rounds.load(Ordering::Relaxed),
        renewals: weather.renewals.load(Ordering::Relaxed),
        deleted,
        kills: 0,
    };
    (sites, tally)
}

/// Adds expired sessions that no site knows, so that a clearing has something to do.
pub fn add_old(session: &mut Session, round: u64, rows: u32) {
    session.run(&format!(
        "INSERT INTO django_session SELECT 'old{round}-' || i, '', {EXPIRED} FROM generate_series(1, {rows}) AS i"
    ));
}

/// Runs a clearing, and returns how many rows it deleted. One that could not be serialized has deleted nothing, and is
/// repeated as an application would.
pub fn until_serialized(session: &mut Session, statement: &str) -> i64 {
    loop {
        match session.try_number(statement) {
            Ok(deleted) => return deleted,
            Err(error) => assert_eq!(sqlstate::<()>(Err(error)), "40001", "{statement}"),
        }
    }
}

/// Asserts what must hold after a storm and a last clearing: the live sessions are there, nothing else is, and nothing is
/// damaged.
pub fn assert_calm(session: &mut Session, sites: &[Site], what: &str) {
    assert_alive(session, sites, what);
    let expired = session.count("django_session WHERE expire_date < now()");
    assert_eq!(expired, 0, "{what}");
    assert_sound(session, "django_session");
}
