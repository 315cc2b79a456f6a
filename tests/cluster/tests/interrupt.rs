//! A clearing that is ended from outside in its middle ends promptly, and has deleted nothing.

use cluster::{
    Cluster, Database, Pass, Running, Session, create_sessions, fingerprint, sqlstate, wait_until,
};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A clearing of so many rows takes long enough to be ended in its middle.
const ROWS: u32 = 1_000_000;

/// Far below what the rest of the clearing could take on a slow machine, far above what an interrupt takes.
const PROMPT: Duration = Duration::from_secs(2);

const CLEAR: &str = "SELECT raw_clear_sessions('django_session')";

/// The table, for one test at a time.
struct Fixture {
    database: Database<'static>,
    contents: String,
}

fn fixture() -> MutexGuard<'static, Fixture> {
    static FIXTURE: LazyLock<Mutex<Fixture>> = LazyLock::new(|| {
        let database = Cluster::shared().database("interrupt");
        let mut session = database.connect();
        create_sessions(&mut session, "django_session", ROWS, 1000);
        session.run("VACUUM django_session");
        let contents = fingerprint(&mut session, "django_session");
        Mutex::new(Fixture { database, contents })
    });
    FIXTURE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fixture {
    fn session(&self, pass: Pass) -> Session {
        let mut session = self.database.connect();
        pass.choose(&mut session, "django_session");
        session
    }

    /// Starts a clearing and returns when it has deleted some of the rows.
    fn start(&self, pass: Pass) -> Running {
        let mut observer = self.database.connect();
        self.session(pass)
            .start_clearing("django_session", &mut observer)
    }

    /// All rows are there, and can be deleted: nobody holds them, or the table, any more.
    fn assert_nothing_deleted(&self, pass: Pass) {
        let mut session = self.session(pass);
        assert_eq!(
            fingerprint(&mut session, "django_session"),
            self.contents,
            "{pass:?}"
        );
        session.run("BEGIN");
        assert_eq!(
            session.clear("django_session"),
            i64::from(ROWS - ROWS / 1000)
        );
        session.run("ROLLBACK");
    }
}

#[test]
fn a_cancel_request_ends_a_clearing_promptly() {
    let fixture = fixture();
    for pass in Pass::ALL {
        let running = fixture.start(pass);
        let start = Instant::now();
        running.cancel();
        let (mut session, outcome) = running.finish();
        assert_eq!(sqlstate(outcome), "57014", "{pass:?}");
        assert!(start.elapsed() < PROMPT, "{pass:?}");
        assert!(session.yes("SELECT true"), "the session goes on");
        fixture.assert_nothing_deleted(pass);
    }
}

#[test]
fn pg_cancel_backend_ends_a_clearing_within_a_larger_transaction() {
    let fixture = fixture();
    let mut session = fixture.session(Pass::Heap);
    let mut observer = fixture.database.connect();
    session.run("BEGIN; CREATE TABLE other (); SAVEPOINT before");
    let running = session.start_clearing("django_session", &mut observer);
    assert!(observer.yes(&format!("SELECT pg_cancel_backend({})", running.pid())));
    let (mut session, outcome) = running.finish();
    assert_eq!(sqlstate(outcome), "57014");
    session.run("ROLLBACK TO SAVEPOINT before; COMMIT");
    assert_eq!(session.count("other"), 0, "what came before is committed");
    session.run("DROP TABLE other");
    fixture.assert_nothing_deleted(Pass::Heap);
}

#[test]
fn statement_timeout_ends_a_clearing_in_its_middle() {
    let fixture = fixture();
    for pass in Pass::ALL {
        let mut session = fixture.session(pass);
        let mut observer = fixture.database.connect();
        session.run("SET statement_timeout = '100ms'");
        let wal = observer.wal_since(0);
        let start = Instant::now();
        assert_eq!(session.refused(CLEAR), "57014", "{pass:?}");
        assert!(start.elapsed() < PROMPT, "{pass:?}");
        assert!(observer.wal_since(wal) > 100_000, "{pass:?} had not begun");
        fixture.assert_nothing_deleted(pass);
    }
}

#[test]
fn pg_terminate_backend_ends_a_clearing_promptly() {
    let fixture = fixture();
    let mut observer = fixture.database.connect();
    for pass in Pass::ALL {
        let running = fixture.start(pass);
        let start = Instant::now();
        assert!(observer.yes(&format!("SELECT pg_terminate_backend({})", running.pid())));
        let (_, outcome) = running.finish();
        assert!(
            matches!(sqlstate(outcome).as_str(), "57P01" | ""),
            "{pass:?}"
        );
        assert!(start.elapsed() < PROMPT, "{pass:?}");
        fixture.assert_nothing_deleted(pass);
    }
}

#[test]
fn a_clearing_ends_with_its_client_where_the_server_looks_for_that() {
    let fixture = fixture();
    let mut observer = fixture.database.connect();
    for pass in Pass::ALL {
        let start = observer.wal_since(0);
        let mut client = fixture.database.cluster().spawn_client(
            "psql",
            &[
                &[
                    "--no-psqlrc",
                    "--dbname",
                    fixture.database.name(),
                    "--command",
                ][..],
                &["SET application_name = gone; SET client_connection_check_interval = '10ms'"],
                &["--command", pass.settings(), "--command", CLEAR],
            ]
            .concat(),
        );
        observer.wait_for_deletions(start);
        client.kill().expect("psql can be killed");
        client.wait().expect("psql is our child");
        wait_until("its backend has gone", || {
            observer.number("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gone'")
                == 0
        });
        fixture.assert_nothing_deleted(pass);
    }
}
