//! A crash undoes a clearing that was not committed, and none that was.

use cluster::{Cluster, Crash, Pass, Shutdown, assert_sound, create_sessions, fingerprint};

const ROWS: u32 = 500_000;

#[test]
fn a_crash_in_the_middle_of_a_clearing_undoes_it() {
    let mut cluster = Cluster::with(&[]);
    create_sessions(
        &mut cluster.database("middle").with_checks().connect(),
        "django_session",
        ROWS,
        1000,
    );
    let contents = fingerprint(&mut cluster.connect_to("middle"), "django_session");
    for (pass, crash) in [
        (Pass::Heap, Crash::Process),
        (Pass::Index, Crash::Process),
        (Pass::Heap, Crash::Immediate),
        (Pass::Index, Crash::Immediate),
    ] {
        let mut session = cluster.connect_to("middle");
        let mut observer = cluster.connect();
        pass.choose(&mut session, "django_session");
        // Where the crash comes a moment after the call has ended, nothing has been committed either.
        session.run("BEGIN");
        let running = session.start_clearing("django_session", &mut observer);
        cluster.crash(crash, running.pid());
        drop(running.finish());
        let mut session = cluster.connect_to("middle");
        let what = format!("{pass:?} {crash:?}");
        assert_eq!(
            fingerprint(&mut session, "django_session"),
            contents,
            "{what}"
        );
        assert_sound(&mut session, "django_session");
    }
    let mut session = cluster.connect_to("middle");
    assert_eq!(
        session.clear("django_session"),
        i64::from(ROWS - ROWS / 1000)
    );
    assert_sound(&mut session, "django_session");
}

#[test]
fn a_committed_clearing_survives_a_crash() {
    let mut cluster = Cluster::with(&[("max_prepared_transactions", "2")]);
    let mut session = cluster.database("committed").with_checks().connect();
    for pass in Pass::ALL {
        create_sessions(&mut session, pass.name(), 20_000, 10);
        pass.choose(&mut session, pass.name());
        assert_eq!(session.clear(pass.name()), 18_000, "{pass:?}");
    }
    create_sessions(&mut session, "prepared", 1000, 10);
    session.run("BEGIN; SELECT raw_clear_sessions('prepared'); PREPARE TRANSACTION 'clearing'");
    cluster.stop(Shutdown::Immediate);
    cluster.start();
    let mut session = cluster.connect_to("committed");
    for pass in Pass::ALL {
        assert_eq!(session.count(pass.name()), 2_000, "{pass:?}");
        assert_sound(&mut session, pass.name());
    }
    // A prepared transaction is still clearing the table.
    assert_eq!(
        session.refused("SELECT raw_clear_sessions('prepared')"),
        "55P03"
    );
    session.run("COMMIT PREPARED 'clearing'");
    assert_eq!(session.count("prepared"), 100);
    assert_sound(&mut session, "prepared");
}
