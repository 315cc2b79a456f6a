//! Crashes at random moments while the worker clears a table and sites are at work: what was acknowledged stays, the worker
//! goes on by itself, and its history tells the truth about what was interrupted.

use cluster::{
    Cluster, Crash, LIVE, Pass, Random, Session, Site, Tally, add_old, assert_alive, assert_sound,
    crashes, create_sessions, wait_until,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

/// Expired rows of a round, in batches of so many.
const OLD: u32 = 5_000;
const BATCH: &str = "50";

const SITES: u32 = 2;

/// The crash comes within so many milliseconds after the worker has begun.
const MOMENTS: u32 = 500;

/// Who dies.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Worker,
    Launcher,
    /// A session that has nothing to do with it.
    Client,
    Postmaster,
    /// All of the server, by immediate shutdown.
    Server,
}

const VICTIMS: [Victim; 5] = [
    Victim::Worker,
    Victim::Postmaster,
    Victim::Server,
    Victim::Launcher,
    Victim::Client,
];

/// How the worker clears; `None`: by rewriting.
const WAYS: [Option<Pass>; 4] = [Some(Pass::Heap), None, Some(Pass::Index), Some(Pass::Sql)];

/// The worker takes the settings from the database, when it connects.
fn choose(session: &mut Session, way: Option<Pass>) {
    let settings = way.unwrap_or(Pass::Heap).settings();
    let settings = settings.replace("SET ", "ALTER DATABASE app SET ");
    let rewrite_above = if way.is_some() { 0.0 } else { 0.01 };
    session.run(&format!(
        "ALTER DATABASE app RESET ALL; {settings};
         SELECT raw_clear_sessions_schedule('django_session', '1 s', rewrite_above => {rewrite_above})"
    ));
}

fn connect(cluster: &Cluster) -> Session {
    cluster.connect_to("app")
}

/// Runs the sites and, when the worker has begun to clear, makes the server crash at some moment; returns how many
/// renewals there were.
fn crash(cluster: &mut Cluster, sites: &mut [Site], victim: Victim, moment: Duration) -> u64 {
    let mut session = connect(cluster);
    let bystander = cluster.connect();
    let renewals = AtomicU64::new(0);
    scope(|threads| {
        for site in sites {
            threads.spawn(|| renewals.fetch_add(site.run_until_crash(), Ordering::Relaxed));
        }
        cluster.reload(&[("raw_clear_sessions.paused", "off")]);
        wait_until("the worker has begun", || {
            session.runs("ended IS NULL") > 0
                || session.count("django_session WHERE session_key LIKE 'old%'") < i64::from(OLD)
        });
        // The moment is the point of this test, not something to wait for.
        sleep(moment);
        let worker = session.workers().first().copied();
        let (crash, pid) = match victim {
            Victim::Worker => (Crash::Process, worker.unwrap_or(bystander.pid())),
            Victim::Launcher => (Crash::Process, session.wait_for_launcher()),
            Victim::Client => (Crash::Process, bystander.pid()),
            Victim::Postmaster => (Crash::Postmaster, 0),
            Victim::Server => (Crash::Immediate, 0),
        };
        cluster.crash(crash, pid);
    });
    renewals.into_inner()
}

/// Waits until all is cleared and the history has no run open that nobody runs; returns how many were interrupted.
fn wait_for_truth(session: &mut Session, what: &str) -> i64 {
    wait_until("the worker has cleared what was left", || {
        session.count("django_session WHERE expire_date < now()") == 0
    });
    let nobody =
        "ended IS NULL AND NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid = r.pid)";
    wait_until("no run is open that nobody runs", || {
        session.count(&format!("raw_clear_sessions.run AS r WHERE {nobody}")) == 0
    });
    let lies =
        "stop NOT IN ('done', 'interrupted', 'paused') OR ended < started OR error IS NOT NULL
                OR (ended IS NULL) <> (stop IS NULL) OR (stop = 'done' AND deleted IS NULL)";
    assert_eq!(session.runs(lies), 0, "{what}");
    wait_until(
        "the status tells of a success, and of nobody who is gone",
        || {
            session.yes(
            "SELECT last_success IS NOT NULL AND failures = 0 AND last_error IS NULL AND next_start IS NOT NULL
             AND (pid IS NULL OR pid IN (SELECT pid FROM pg_stat_activity))
             FROM raw_clear_sessions.status",
        )
        },
    );
    assert_eq!(
        session.count("raw_clear_sessions.progress AS p WHERE NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid = p.pid)"),
        0,
        "{what}"
    );
    session.runs("stop = 'interrupted'")
}

#[test]
fn after_a_crash_the_worker_goes_on_and_its_history_tells_the_truth() {
    let mut cluster = Cluster::with_worker(
        "app",
        &[
            ("fsync", "on"),
            ("shared_buffers", "1MB"),
            ("raw_clear_sessions.batch_size", BATCH),
            // A run takes a second, or longer.
            ("raw_clear_sessions.cost_delay", "2"),
            ("raw_clear_sessions.cost_limit", "20"),
            ("raw_clear_sessions.paused", "on"),
        ],
    );
    let mut session = cluster.database("app").with_checks().connect();
    create_sessions(&mut session, "django_session", 0, 1);
    let mut sites: Vec<Site> = (0..SITES)
        .map(|number| Site::new(number, connect(&cluster)))
        .collect();
    let (mut tally, mut random) = (Tally::default(), Random::new(2));
    let mut interrupted = 0;
    for round in 0..crashes(VICTIMS.len() as u32) as usize {
        let (way, victim) = (WAYS[round % WAYS.len()], VICTIMS[round % VICTIMS.len()]);
        let what = format!("{way:?} {victim:?} round {round}");
        let mut session = connect(&cluster);
        cluster.pause(&mut session);
        choose(&mut session, way);
        add_old(&mut session, round as u64, OLD);
        let moment = Duration::from_millis(random.below(MOMENTS).into());
        tally.renewals += crash(&mut cluster, &mut sites, victim, moment);
        for site in &mut sites {
            site.reconnect(connect(&cluster));
        }
        let mut session = connect(&cluster);
        interrupted = wait_for_truth(&mut session, &what);
        assert_alive(&mut session, &sites, &what);
        cluster.pause(&mut session);
        assert_sound(&mut session, "django_session");
        assert_eq!(
            session.count(&format!("django_session WHERE expire_date <> {LIVE}")),
            0
        );
        tally.rounds += 1;
        tally.kills += 1;
        tally.deleted += i64::from(OLD);
    }
    eprintln!("{interrupted} runs were interrupted");
    tally.report("crash: worker");
    assert!(interrupted > 0, "no crash came in the middle");
}
