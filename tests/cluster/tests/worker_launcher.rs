//! The launcher goes on, or the next one does: whatever others have locked, and whatever has ended meanwhile.

use cluster::{Cluster, Session, add_expired, create_sessions, wait_for_end, wait_until};
use std::fs;
use std::path::Path;

#[test]
fn a_launcher_that_cannot_look_up_the_databases_goes_on_with_those_that_it_knows() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 100, 10);
    session.wait_for_count("django_session", 10);
    let mut other = cluster.connect_to("app");
    let launcher = session.wait_for_launcher();
    other.run("BEGIN; LOCK TABLE pg_database IN ACCESS EXCLUSIVE MODE");
    let context = "CONTEXT:  looking up the databases to clear sessions in";
    cluster.wait_for_log(context);
    other.run("ROLLBACK");
    add_expired(&mut session, "django_session", 90);
    // A worker that was in the middle of its work has failed for a minute, which ends with this.
    session.run("SELECT raw_clear_sessions_run_now('django_session')");
    session.wait_for_count("django_session", 10);
    assert_eq!(session.launcher(), Some(launcher));
    assert_eq!(cluster.logged(context), 1);
}

/// As many databases as a launcher that is terminated so many times would lose all the workers' places with.
const DATABASES: usize = 16;
const TERMINATIONS: usize = 5;

/// A table of a database with a run that goes on as long as that file is there.
fn schedule_stuck(session: &mut Session, file: &Path) {
    create_sessions(session, "stuck", 10, 10);
    let file = file.display();
    session.run(&format!(
        "INSERT INTO stuck VALUES ('old', '', '2020-01-01');
         CREATE FUNCTION hold() RETURNS boolean LANGUAGE plpgsql STABLE AS $$BEGIN
             WHILE (pg_stat_file('{file}', true)).size IS NOT NULL LOOP PERFORM pg_sleep(0.02); END LOOP;
             RETURN false;
         END$$;
         SELECT raw_clear_sessions_schedule('stuck', '1 s', filter => 'public.hold()')"
    ));
}

#[test]
fn workers_that_end_while_there_is_no_launcher_take_no_place_from_others() {
    let cluster = Cluster::with_worker(
        "*",
        &[
            ("raw_clear_sessions.max_workers", "20"),
            ("max_worker_processes", "40"),
        ],
    );
    let file = cluster.folder().join("hold");
    let mut sessions: Vec<_> = (0..DATABASES)
        .map(|number| cluster.database(&format!("app{number}")).connect())
        .collect();
    for session in &mut sessions {
        schedule_stuck(session, &file);
    }
    let session = &mut sessions[0];
    for _ in 0..TERMINATIONS {
        let launcher = session.wait_for_launcher();
        fs::write(&file, "x").expect("the folder can be written");
        wait_until("the worker is at work in each database", || {
            session.count("pg_stat_activity WHERE wait_event = 'PgSleep'") == DATABASES as i64
        });
        assert!(session.yes(&format!("SELECT pg_terminate_backend({launcher})")));
        wait_for_end(launcher);
        fs::remove_file(&file).expect("it is there");
        wait_until("all workers have ended", || session.workers().is_empty());
    }
    session.wait_for_launcher();
    session.wait_for_ends("stuck", 2);
}
