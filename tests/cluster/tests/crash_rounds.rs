//! Crashes at random moments while sites are at work, in each way of clearing: what was acknowledged stays, a clearing is
//! there as a whole where it is one transaction, and nothing is damaged.

use cluster::{
    Cluster, Crash, LIVE, Pass, Random, Session, Site, Tally, add_old, assert_alive, assert_sound,
    crashes, create_sessions, fingerprint,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

/// Expired rows of a round.
const OLD: u32 = 40_000;

const SITES: u32 = 2;

/// A way of clearing.
struct Way {
    name: &'static str,
    statement: &'static str,
    pass: Pass,
    /// All or nothing.
    one_transaction: bool,
}

const FUNCTION: &str = "SELECT raw_clear_sessions('django_session')";
const PROCEDURE: &str = "CALL raw_clear_sessions_in_batches('django_session', batch_size => 200)";
const REWRITE: &str = "SELECT raw_clear_sessions_rewrite('django_session')";

const fn way(
    name: &'static str,
    statement: &'static str,
    pass: Pass,
    one_transaction: bool,
) -> Way {
    Way {
        name,
        statement,
        pass,
        one_transaction,
    }
}

const WAYS: [Way; 7] = [
    way("function, heap", FUNCTION, Pass::Heap, true),
    way("procedure, heap", PROCEDURE, Pass::Heap, false),
    way("rewrite", REWRITE, Pass::Heap, true),
    way("function, index", FUNCTION, Pass::Index, true),
    way("procedure, index", PROCEDURE, Pass::Index, false),
    way("function, sql", FUNCTION, Pass::Sql, true),
    way("procedure, sql", PROCEDURE, Pass::Sql, false),
];

const UNTOUCHED: &str = "(SELECT * FROM django_session WHERE session_key LIKE 'key%')";

/// A server that syncs what it commits, and writes pages out long before a transaction ends.
fn cluster(settings: &[(&str, &str)]) -> Cluster {
    let mut all = vec![("fsync", "on"), ("shared_buffers", "1MB")];
    all.extend_from_slice(settings);
    let cluster = Cluster::with(&all);
    let mut session = cluster.database("app").with_checks().connect();
    create_sessions(&mut session, "django_session", 100, 1);
    session.run(&format!("UPDATE django_session SET expire_date = {LIVE}"));
    session.run("VACUUM (ANALYZE) django_session");
    cluster
}

fn connect(cluster: &Cluster, way: &Way) -> Session {
    let mut session = cluster.connect_to("app");
    session.run("SET raw_clear_sessions.cost_delay = 0");
    way.pass.choose(&mut session, "django_session");
    session
}

/// Clears once without a crash, and returns how long that takes.
fn rehearse(cluster: &Cluster, way: &Way, round: u64) -> Duration {
    let mut session = connect(cluster, way);
    add_old(&mut session, round, OLD);
    let start = Instant::now();
    assert_eq!(
        session.number(way.statement),
        i64::from(OLD),
        "{}",
        way.name
    );
    start.elapsed()
}

/// What is left of the round's expired rows, as it may be; returns how many have been deleted.
fn assert_whole(session: &mut Session, way: &Way, acknowledged: bool, what: &str) -> i64 {
    let all = i64::from(OLD);
    let left = session.count("django_session WHERE session_key LIKE 'old%'");
    assert!(left <= all, "{what}: {left} left of {all}");
    if acknowledged {
        assert_eq!(left, 0, "{what}: it had been acknowledged");
    }
    if way.one_transaction {
        assert!(left == 0 || left == all, "{what}: {left} left of {all}");
    }
    all - left
}

/// The state of a series of crashes.
struct Series {
    cluster: Cluster,
    sites: Vec<Site>,
    random: Random,
    tally: Tally,
    /// Clearings of which a crash left nothing, all, or a part.
    outcomes: [u32; 3],
}

impl Series {
    fn round(&mut self, way: &Way, crash: Crash, round: u64, duration: Duration) {
        let what = format!("{} {crash:?} round {round}", way.name);
        let mut session = connect(&self.cluster, way);
        let untouched = fingerprint(&mut session, UNTOUCHED);
        add_old(&mut session, round, OLD);
        // A crash takes its time too: the last moments come after the end.
        let moment = duration * self.random.below(40) / 100;
        let renewals = AtomicU64::new(0);
        let (sites, cluster) = (&mut self.sites, &mut self.cluster);
        let outcome = scope(|threads| {
            for site in sites.iter_mut() {
                threads.spawn(|| renewals.fetch_add(site.run_until_crash(), Ordering::Relaxed));
            }
            let running = session.start(way.statement);
            // The moment is the point of this test, not something to wait for.
            sleep(moment);
            cluster.crash(crash, running.pid());
            running.finish().1
        });
        let mut session = connect(&self.cluster, way);
        for site in &mut self.sites {
            site.reconnect(self.cluster.connect_to("app"));
        }
        let deleted = assert_whole(&mut session, way, outcome.is_ok(), &what);
        assert_eq!(fingerprint(&mut session, UNTOUCHED), untouched, "{what}");
        assert_alive(&mut session, &self.sites, &what);
        assert_sound(&mut session, "django_session");
        self.outcomes[match deleted {
            0 => 0,
            all if all == i64::from(OLD) => 1,
            _ => 2,
        }] += 1;
        // Nothing keeps the next one from its work.
        session.number(way.statement);
        let expired = session.count("django_session WHERE expire_date < now()");
        assert_eq!(expired, 0, "{what}");
        self.tally.rounds += 1;
        self.tally.kills += 1;
        self.tally.renewals += renewals.into_inner();
        self.tally.deleted += i64::from(OLD);
    }
}

fn crash_again_and_again(settings: &[(&str, &str)], rounds: u32, name: &str) {
    let cluster = cluster(settings);
    let mut durations = Vec::new();
    for (number, way) in WAYS.iter().enumerate() {
        durations.push(rehearse(&cluster, way, number as u64));
    }
    let sites = (0..SITES).map(|number| Site::new(number, cluster.connect_to("app")));
    let mut series = Series {
        sites: sites.collect(),
        cluster,
        random: Random::new(1),
        tally: Tally::default(),
        outcomes: [0; 3],
    };
    for round in 0..rounds as usize {
        let number = round % WAYS.len();
        // Each way meets each crash: the numbers of both have no common divisor.
        let crash = Crash::ALL[round % Crash::ALL.len()];
        series.round(
            &WAYS[number],
            crash,
            (WAYS.len() + round) as u64,
            durations[number],
        );
    }
    let [nothing, all, part] = series.outcomes;
    eprintln!("of the clearings, crashes left nothing {nothing}, all {all}, a part {part} times");
    series.tally.report(name);
    // A few rounds on a busy machine may all come too late.
    assert!(
        nothing + part > 0 || rounds < 20,
        "no crash came in the middle"
    );
}

#[test]
fn a_crash_at_any_moment_loses_nothing_that_was_acknowledged() {
    crash_again_and_again(&[], crashes(7), "crash: function, procedure, rewrite");
}

#[test]
fn so_it_is_where_new_files_are_synced_instead_of_logged() {
    let settings = [("wal_level", "minimal"), ("max_wal_senders", "0")];
    crash_again_and_again(&settings, crashes(7), "crash: the same, wal_level minimal");
}
