//! Sessions are stored, renewed and ended by many at once, while the table is cleared again and again: no live session
//! is ever lost, and a last call leaves no expired one.

use cluster::{Cluster, Database, EXPIRED, LIVE, Pass, Session, assert_sound, create_sessions};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;
use std::time::{Duration, Instant};

const SITES: u32 = 4;
const KEYS: u32 = 50;
const DURATION: Duration = Duration::from_secs(3);

/// One site: it alone writes the sessions of its keys, so it knows which are alive.
struct Site {
    number: u32,
    session: Session,
    alive: HashSet<u32>,
    random: u64,
    /// Expired sessions that were renewed in the face of the clearing, and such that it had already deleted.
    renewed: u32,
    too_late: u32,
}

impl Site {
    fn new(number: u32, session: Session) -> Site {
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

    fn run(mut self, stop: &AtomicBool) -> Site {
        while !stop.load(Ordering::Relaxed) {
            self.step();
        }
        self
    }
}

/// Clears the table in a loop, at READ COMMITTED and, raw, at REPEATABLE READ; before each call it adds expired rows, so
/// that the call lasts. Returns how many rows it deleted.
fn clear(mut session: Session, pass: Pass, stop: &AtomicBool) -> i64 {
    let mut deleted = 0;
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        session.run(&format!(
            "INSERT INTO django_session SELECT 'old{round}-' || i, '', {EXPIRED} FROM generate_series(1, 2000) AS i"
        ));
        if pass != Pass::Sql && round % 2 == 1 {
            session.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
        } else {
            session.run("BEGIN");
        }
        deleted += session.clear("django_session");
        session.run("COMMIT");
    }
    deleted
}

/// VACUUM in a loop, so that the place of a deleted row is soon another's.
fn vacuum(mut session: Session, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        session.run("VACUUM django_session");
    }
}

fn storm(database: &Database, pass: Pass) -> (Vec<Site>, i64) {
    let stop = &AtomicBool::new(false);
    let mut cleaner = database.connect();
    pass.choose(&mut cleaner, "django_session");
    scope(|scope| {
        let sites: Vec<_> = (0..SITES)
            .map(|number| {
                let site = Site::new(number, database.connect());
                scope.spawn(move || site.run(stop))
            })
            .collect();
        let vacuum = scope.spawn(move || vacuum(database.connect(), stop));
        let cleaner = scope.spawn(move || clear(cleaner, pass, stop));
        // A storm lasts for a time; it ends early where somebody has failed.
        let start = Instant::now();
        while start.elapsed() < DURATION && !sites.iter().any(|site| site.is_finished()) {
            std::thread::sleep(Duration::from_millis(10));
        }
        stop.store(true, Ordering::Relaxed);
        vacuum.join().expect("VACUUM goes on");
        let deleted = cleaner.join().expect("the clearing goes on");
        let sites = sites
            .into_iter()
            .map(|site| site.join().expect("no session is lost"));
        (sites.collect(), deleted)
    })
}

#[test]
fn no_live_session_is_lost_in_a_storm_of_renewals() {
    for pass in Pass::ALL {
        let database = Cluster::shared()
            .database(&format!("storm_{}", pass.name()))
            .with_checks();
        let mut session = database.connect();
        create_sessions(&mut session, "django_session", 0, 1);
        let (sites, deleted) = storm(&database, pass);
        let renewed: u32 = sites.iter().map(|site| site.renewed).sum();
        let too_late: u32 = sites.iter().map(|site| site.too_late).sum();
        eprintln!("{pass:?}: {deleted} deleted, {renewed} renewed, {too_late} too late");
        assert!(
            deleted > 0 && renewed > 0 && too_late > 0,
            "a storm was meant to be"
        );

        session.clear("django_session");
        let expired = session.count("django_session WHERE expire_date < now()");
        assert_eq!(expired, 0, "{pass:?}");
        let found: HashSet<String> = session
            .texts("SELECT session_key FROM django_session")
            .into_iter()
            .collect();
        let alive: HashSet<String> = sites
            .iter()
            .flat_map(|site| {
                site.alive
                    .iter()
                    .map(|key| format!("site{}-{key}", site.number))
            })
            .collect();
        assert_eq!(found, alive, "{pass:?}");
        assert_sound(&mut session, "django_session");
    }
}
