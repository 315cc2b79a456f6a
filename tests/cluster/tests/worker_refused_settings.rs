//! A setting that PostgreSQL does not take, and goes by another value instead, is no order to delete.

use cluster::{Cluster, SLOW, Session, add_expired, create_sessions, wait_until};

const REFUSED: &str = "the worker rests because the setting";

fn wait_for_note(session: &mut Session, setting: &str) {
    let query = format!(
        "SELECT count(*) FROM raw_clear_sessions.status
         WHERE note LIKE '{REFUSED} \"{setting}\" has a bad value or does not exist: Correct it%'"
    );
    wait_until("the status says which setting it is", || {
        session.number(&query) == 1
    });
}

/// The worker looks at the table, and lets it be: of `tables` it would be due at once.
fn assert_rests(cluster: &Cluster, session: &mut Session) {
    let start = session.text("SELECT clock_timestamp()::text");
    wait_until("the table has been due for a while", || {
        session.yes(&format!(
            "SELECT clock_timestamp() > '{start}'::timestamptz + interval '2 s'"
        ))
    });
    assert_eq!(session.count("django_session"), 1000);
    assert_eq!(cluster.logged(REFUSED), 1, "it is said once");
}

/// Sets such a value in the configuration file of a server that is stopped, starts it, and corrects it.
fn rests_until_corrected(bad: (&str, &str), good: (&str, &str)) {
    let mut cluster = Cluster::with_worker("app", &[("raw_clear_sessions.paused", "on")]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    drop(session);
    cluster.stop(cluster::Shutdown::Fast);
    cluster.set(&[("raw_clear_sessions.paused", "off"), bad]);
    cluster.start();
    let mut session = cluster.connect_to("app");
    wait_for_note(&mut session, bad.0);
    assert_rests(&cluster, &mut session);
    // The last line for a setting counts.
    cluster.reload(&[good]);
    session.wait_for_count("django_session", 100);
    assert_eq!(
        session.number("SELECT count(*) FROM raw_clear_sessions.status WHERE note IS NOT NULL"),
        0
    );
}

#[test]
fn a_value_of_paused_that_is_none_does_not_let_the_worker_run() {
    rests_until_corrected(
        ("raw_clear_sessions.paused", "yess"),
        ("raw_clear_sessions.paused", "no"),
    );
}

#[test]
fn a_limit_that_is_none_does_not_let_the_worker_run_without_it() {
    rests_until_corrected(
        ("raw_clear_sessions.max_run_time", "10 parsecs"),
        ("raw_clear_sessions.max_run_time", "10 min"),
    );
}

#[test]
fn a_bad_value_of_paused_in_a_reload_stops_the_worker_until_it_is_corrected() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    session.wait_for_count("django_session", 100);
    cluster.reload(&[("raw_clear_sessions.paused", "yess")]);
    wait_for_note(&mut session, "raw_clear_sessions.paused");
    add_expired(&mut session, "django_session", 900);
    assert_rests(&cluster, &mut session);
    cluster.reload(&[("raw_clear_sessions.paused", "off")]);
    session.wait_for_count("django_session", 100);
}

#[test]
fn a_setting_that_does_not_exist_keeps_the_worker_from_the_start_until_it_is_gone() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.pause", "on")]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    wait_for_note(&mut session, "raw_clear_sessions.pause");
    assert_rests(&cluster, &mut session);
    let file = cluster.data().join("postgresql.conf");
    let text = std::fs::read_to_string(&file).expect("it can be read");
    let without: String = text
        .lines()
        .filter(|line| !line.starts_with("raw_clear_sessions.pause "))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(&file, without).expect("it can be written");
    cluster.reload(&[]);
    session.wait_for_count("django_session", 100);
}

#[test]
fn a_bad_value_on_the_command_line_keeps_the_worker_until_the_server_is_started_without_it() {
    let mut cluster = Cluster::with_worker("app", &[("raw_clear_sessions.paused", "on")]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    drop(session);
    cluster.stop(cluster::Shutdown::Fast);
    cluster.set(&[("raw_clear_sessions.paused", "off")]);
    cluster.start_with(&["-c", "raw_clear_sessions.paused=yess"]);
    let mut session = cluster.connect_to("app");
    wait_for_note(&mut session, "raw_clear_sessions.paused");
    // A reload finds nothing wrong in the files, and the order is no clearer for it.
    cluster.reload(&[("raw_clear_sessions.max_workers", "3")]);
    assert_rests(&cluster, &mut session);
    drop(session);
    cluster.stop(cluster::Shutdown::Fast);
    cluster.start();
    cluster
        .connect_to("app")
        .wait_for_count("django_session", 100);
}

#[test]
fn a_run_time_of_less_than_a_second_is_a_limit() {
    let cluster = Cluster::with_worker(
        "app",
        &[
            SLOW[0],
            SLOW[1],
            SLOW[2],
            ("raw_clear_sessions.max_run_time", "1 ms"),
        ],
    );
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    session.wait_for_run("stop = 'max_duration'");
}
