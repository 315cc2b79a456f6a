//! Sessions are stored, renewed and ended by many at once while the worker clears their table: it loses no live session,
//! and leaves no expired one.

use cluster::{
    Cluster, Database, EXPIRED, Session, Site, assert_sound, create_sessions, wait_until,
};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;
use std::time::{Duration, Instant};

const SITES: u32 = 3;
const DURATION: Duration = Duration::from_secs(8);

/// Adds expired rows whenever few are left, so that the worker always has something to do.
fn feed(mut session: Session, stop: &AtomicBool) {
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        session.run(&format!(
            "INSERT INTO django_session SELECT 'old{round}-' || i, '', {EXPIRED} FROM generate_series(1, 200) AS i;
             SELECT pg_sleep(0.02)"
        ));
    }
}

fn storm(database: &Database) -> Vec<Site> {
    let stop = &AtomicBool::new(false);
    scope(|scope| {
        let sites: Vec<_> = (0..SITES)
            .map(|number| {
                let site = Site::new(number, database.connect());
                scope.spawn(move || site.run(stop))
            })
            .collect();
        let feeder = database.connect();
        scope.spawn(move || feed(feeder, stop));
        // A storm lasts for a time; it ends early where somebody has failed.
        let start = Instant::now();
        while start.elapsed() < DURATION && !sites.iter().any(|site| site.is_finished()) {
            std::thread::sleep(Duration::from_millis(10));
        }
        stop.store(true, Ordering::Relaxed);
        let sites = sites
            .into_iter()
            .map(|site| site.join().expect("no session is lost"));
        sites.collect()
    })
}

#[test]
fn the_worker_loses_no_live_session_in_a_storm_of_renewals() {
    let cluster = Cluster::with_worker(
        "*",
        &[
            ("raw_clear_sessions.cost_delay", "0"),
            ("raw_clear_sessions.batch_size", "20"),
        ],
    );
    for engine in ["auto", "sql"] {
        let name = format!("storm_{engine}");
        let database = cluster.bare_database(&name);
        let mut session = cluster.connect_to(&name);
        session.run(&format!(
            "ALTER DATABASE {name} SET raw_clear_sessions.engine = {engine}"
        ));
        create_sessions(&mut session, "django_session", 0, 1);
        session.run(
            "CREATE EXTENSION amcheck; CREATE EXTENSION pg_visibility; CREATE EXTENSION raw_clear_sessions",
        );
        let sites = storm(&database);
        wait_until("no expired session is left", || {
            session.count("django_session WHERE expire_date < now()") == 0
        });
        let sum = |number: fn(&Site) -> u32| -> u32 { sites.iter().map(number).sum() };
        let deleted = session.number("SELECT sum(deleted)::bigint FROM raw_clear_sessions_run");
        let (renewed, too_late) = (sum(|site| site.renewed), sum(|site| site.too_late));
        eprintln!("{engine}: {deleted} deleted, {renewed} renewed, {too_late} too late");
        assert!(
            deleted > 0 && renewed > 0 && too_late > 0,
            "a storm was meant to be"
        );
        assert_eq!(session.runs("stop NOT IN ('done')"), 0);
        let found: HashSet<String> = session
            .texts("SELECT session_key FROM django_session")
            .into_iter()
            .collect();
        let alive: HashSet<String> = sites.iter().flat_map(Site::keys_alive).collect();
        assert_eq!(found, alive, "{engine}");
        session.run("DROP EXTENSION raw_clear_sessions");
        assert_sound(&mut session, "django_session");
    }
}
