//! A standby is promoted in the middle of a clearing on its primary: what was committed is done, what was not is undone,
//! and the new primary goes on from there.

use cluster::{Cluster, LIVE, Session, assert_sound, create_sessions, fingerprint, wait_until};

const ROWS: u32 = 50_000;

fn live() -> String {
    format!("(SELECT * FROM django_session WHERE expire_date = {LIVE})")
}

fn pair() -> (Cluster, Cluster, Session) {
    let primary = Cluster::with(&[]);
    let mut session = primary.database("app").with_checks().connect();
    create_sessions(&mut session, "django_session", ROWS, 100);
    let standby = primary.standby();
    primary.wait_for_replay(&standby);
    (primary, standby, session)
}

/// What holds for a new primary, whatever was interrupted; and it can do what was not done.
fn assert_goes_on(there: &mut Session, statement: &str, contents: &str) {
    assert_eq!(fingerprint(there, &live()), contents);
    assert_sound(there, "django_session");
    let left = there.count("django_session") - i64::from(ROWS / 100);
    assert_eq!(there.number(statement), left);
    assert_eq!(fingerprint(there, "django_session"), contents);
    assert_sound(there, "django_session");
}

#[test]
fn a_standby_promoted_in_the_middle_of_a_call_has_its_batches_and_clears_the_rest() {
    let (primary, standby, mut session) = pair();
    let contents = fingerprint(&mut session, &live());
    session.run("SET raw_clear_sessions.cost_delay = 2; SET raw_clear_sessions.cost_limit = 20");
    let call = "CALL raw_clear_sessions_in_batches('django_session', batch_size => 100)";
    let running = session.start(call);
    let mut there = standby.connect_to("app");
    wait_until("some batches are replayed", || {
        there.count("django_session") < i64::from(ROWS)
    });
    standby.promote();
    let left = there.count("django_session") - i64::from(ROWS / 100);
    assert!(left > 0, "the call was to be in the middle");
    assert_goes_on(&mut there, call, &contents);
    // The old primary knows nothing of it.
    running.cancel();
    let _ = running.finish();
    assert_sound(&mut primary.connect_to("app"), "django_session");
}

#[test]
fn a_standby_promoted_before_a_clearing_commits_has_every_row() {
    for statement in [
        "SELECT raw_clear_sessions('django_session')",
        "SELECT raw_clear_sessions_rewrite('django_session')",
    ] {
        let (primary, standby, mut session) = pair();
        let contents = fingerprint(&mut session, &live());
        session.run("BEGIN");
        session.run(statement);
        primary.wait_for_replay(&standby);
        standby.promote();
        let mut there = standby.connect_to("app");
        assert_eq!(
            there.count("django_session"),
            i64::from(ROWS),
            "{statement}"
        );
        assert_goes_on(&mut there, statement, &contents);
        session.run("COMMIT");
        assert_eq!(session.count("django_session"), i64::from(ROWS / 100));
    }
}
