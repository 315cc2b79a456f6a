//! Sessions are stored, renewed and ended by many at once, while the table is cleared again and again: no live session
//! is ever lost, and a last call leaves no expired one.

use cluster::{Cluster, Database, EXPIRED, Pass, Session, Site, assert_sound, create_sessions};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;
use std::time::{Duration, Instant};

const SITES: u32 = 4;
const DURATION: Duration = Duration::from_secs(3);

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
        let alive: HashSet<String> = sites.iter().flat_map(Site::keys_alive).collect();
        assert_eq!(found, alive, "{pass:?}");
        assert_sound(&mut session, "django_session");
    }
}
