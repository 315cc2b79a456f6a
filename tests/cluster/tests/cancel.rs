//! A call that is ended while it waits, or while its client is told something, leaves nothing behind in its session.

use cluster::{
    Cluster, Database, PRELOADED, Running, Session, create_sessions, pause, resume, sqlstate,
    wait_until,
};
use std::process::Child;

/// What a call waits for.
struct Wait {
    call: &'static str,
    settings: &'static str,
    /// Another session's, to be waited for.
    other: &'static str,
    /// Of a row of raw_clear_sessions.progress beside one of pg_stat_activity.
    waits: &'static str,
    is_shown: bool,
}

const LOCK: &str = "wait_event_type = 'Lock'";
const FUNCTION: &str = "SELECT raw_clear_sessions('django_session')";
const PROCEDURE: &str = "CALL raw_clear_sessions_in_batches('django_session')";

const WAITS: [Wait; 6] = [
    // The lock on the table.
    Wait {
        call: FUNCTION,
        settings: "",
        other: "LOCK TABLE django_session IN SHARE MODE",
        waits: LOCK,
        is_shown: true,
    },
    Wait {
        call: PROCEDURE,
        settings: "",
        other: "LOCK TABLE django_session IN SHARE MODE",
        waits: LOCK,
        is_shown: true,
    },
    Wait {
        call: "SELECT raw_clear_sessions_rewrite('django_session')",
        settings: "",
        other: "LOCK TABLE django_session IN ACCESS SHARE MODE",
        waits: LOCK,
        is_shown: true,
    },
    Wait {
        call: "SELECT raw_clear_sessions_preview('django_session')",
        settings: "",
        other: "LOCK TABLE django_session",
        waits: LOCK,
        is_shown: false,
    },
    // The lock on a row.
    Wait {
        call: FUNCTION,
        settings: "SET raw_clear_sessions.engine = sql",
        other: "UPDATE django_session SET session_data = '' WHERE session_key = 'key9'",
        waits: LOCK,
        is_shown: true,
    },
    // The pace.
    Wait {
        call: PROCEDURE,
        settings: "SET raw_clear_sessions.batch_size = 10; SET raw_clear_sessions.cost_delay = 100;
             SET raw_clear_sessions.cost_limit = 1",
        other: "",
        waits: "waiting = 'cost delay'",
        is_shown: true,
    },
];

impl Wait {
    /// Starts the call, and returns when it waits.
    fn start(&self, session: Session, observer: &mut Session) -> Running {
        let running = session.start(self.call);
        let query = format!(
            "SELECT coalesce(bool_or({}), false)
             FROM pg_stat_activity AS a LEFT JOIN raw_clear_sessions.progress AS p USING (pid) WHERE pid = {}",
            self.waits,
            running.pid()
        );
        wait_until(&format!("{} waits", self.call), || {
            assert!(!running.is_finished(), "{} has ended", self.call);
            observer.yes(&query)
        });
        let shown = format!(
            "SELECT count(*) FROM raw_clear_sessions.progress WHERE pid = {}",
            running.pid()
        );
        assert_eq!(observer.number(&shown) == 1, self.is_shown, "{}", self.call);
        running
    }
}

fn preloaded() -> Cluster {
    // Longer than any of the waits here.
    Cluster::with(&[PRELOADED, ("raw_clear_sessions.lock_timeout", "10min")])
}

/// Nothing of a backend's is in the progress, and it holds no lock but, if it lives, those of the statement that asks.
fn assert_nothing_left(observer: &mut Session, pid: i32, call: &str) {
    let left = observer.number(&format!(
        "SELECT (SELECT count(*) FROM raw_clear_sessions.progress WHERE pid = {pid})
             + (SELECT count(*) FROM pg_locks WHERE pid = {pid})"
    ));
    assert_eq!(left, 0, "{call}");
}

/// The server has found nothing that was not given back.
fn assert_quiet(cluster: &Cluster) {
    for text in [
        "WARNING",
        "PANIC",
        "was terminated by signal",
        "own a lock",
        "TRAP",
    ] {
        assert_eq!(cluster.logged(text), 0, "{text}");
    }
}

/// Each wait, ended by `end`, which gets the backend's session afterwards.
fn at_each_wait(database: &Database<'_>, settings: &str, end: impl Fn(&mut Session, &Running)) {
    let mut observer = database.connect();
    create_sessions(&mut observer, "django_session", 10_000, 1000);
    for wait in &WAITS {
        let mut other = database.connect();
        other.run(&format!("BEGIN; {}", wait.other));
        let mut session = database.connect();
        session.run(wait.settings);
        // Twice: what the first has left behind would be in the way of the second.
        for _ in 0..2 {
            session.run(settings);
            let running = wait.start(session, &mut observer);
            let pid = running.pid();
            end(&mut observer, &running);
            let (ended, outcome) = running.finish();
            session = ended;
            assert_eq!(sqlstate(outcome), "57014", "{}", wait.call);
            session.run("RESET statement_timeout");
            assert_nothing_left(&mut observer, pid, wait.call);
        }
        other.run("ROLLBACK");
        session.run("RESET ALL; BEGIN");
        session.run("SELECT raw_clear_sessions('django_session'); ROLLBACK");
    }
}

#[test]
fn a_cancel_at_each_wait_leaves_nothing_behind() {
    let cluster = preloaded();
    at_each_wait(&cluster.database("waits"), "", |observer, running| {
        assert!(observer.yes(&format!("SELECT pg_cancel_backend({})", running.pid())));
    });
    assert_quiet(&cluster);
}

#[test]
fn a_timeout_at_each_wait_leaves_nothing_behind() {
    let cluster = preloaded();
    let settings = "SET statement_timeout = '2s'";
    at_each_wait(&cluster.database("waits"), settings, |_, running| {
        wait_until("the timeout", || running.is_finished());
    });
    assert_quiet(&cluster);
}

#[test]
fn a_termination_at_each_wait_leaves_nothing_behind() {
    let cluster = preloaded();
    let database = cluster.database("waits");
    let mut observer = database.connect();
    create_sessions(&mut observer, "django_session", 10_000, 1000);
    for wait in &WAITS {
        let mut other = database.connect();
        other.run(&format!("BEGIN; {}", wait.other));
        let mut session = database.connect();
        session.run(wait.settings);
        let running = wait.start(session, &mut observer);
        let pid = running.pid();
        assert!(observer.yes(&format!("SELECT pg_terminate_backend({pid}, 60000)")));
        assert!(running.finish().1.is_err());
        assert_nothing_left(&mut observer, pid, wait.call);
    }
    assert_quiet(&cluster);
}

/// What a client has been told when it has ended: its errors and notices, and the end of its answers.
fn told(client: Child) -> String {
    let output = client.wait_with_output().expect("psql is our child");
    let answers = String::from_utf8_lossy(&output.stdout);
    let answers = answers.lines().last().unwrap_or_default().to_owned();
    format!("{}{answers}", String::from_utf8_lossy(&output.stderr))
}

/// The client takes nothing from its socket, which is so full that the NOTICE has to wait; there the call is canceled. How
/// full that is, is found out.
#[test]
fn a_cancel_at_a_notice_leaves_nothing_behind() {
    let cluster = preloaded();
    let database = cluster.database("notices");
    let mut observer = database.connect();
    create_sessions(&mut observer, "django_session", 1000, 100);
    let mut at_a_notice = 0;
    for kilobytes in (60..1000).step_by(3) {
        let mut other = database.connect();
        other.run("SELECT pg_advisory_lock(1)");
        let statements = format!(
            "SET raw_clear_sessions.engine = sql; SET raw_clear_sessions.progress_interval = '1 d';
             SELECT pg_advisory_lock_shared(1); SELECT repeat('x', {kilobytes} * 1024);
             SELECT raw_clear_sessions('django_session')"
        );
        let after = "SELECT 'left ' || count(*) FROM raw_clear_sessions.progress";
        let client = cluster.spawn_heard_client(
            "psql",
            &[
                "-XqAt",
                "-d",
                database.name(),
                "-c",
                &statements,
                "-c",
                after,
            ],
        );
        let backend =
            "SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE wait_event = 'advisory'";
        let mut pid = 0;
        wait_until("the client waits", || {
            pid = observer.value::<i32>(backend);
            pid != 0
        });
        let psql = client.id() as i32;
        assert!(pause(psql));
        other.run("SELECT pg_advisory_unlock(1)");
        wait_until("the backend waits for its client", || {
            observer.yes(&format!(
                "SELECT wait_event_type IS NOT DISTINCT FROM 'Client' FROM pg_stat_activity WHERE pid = {pid}"
            ))
        });
        observer.run(&format!("SELECT pg_cancel_backend({pid})"));
        assert!(resume(psql));
        let told = told(client);
        if told.contains("NOTICE:") && told.contains("ERROR:  canceling statement") {
            at_a_notice += 1;
            assert!(told.contains("left 0"), "{told}");
            if at_a_notice == 3 {
                assert_quiet(&cluster);
                return;
            }
        }
        observer.run(
            "TRUNCATE django_session; INSERT INTO django_session VALUES ('1', '', '2020-01-01')",
        );
    }
    panic!("{at_a_notice} of the cancels were at a notice");
}
