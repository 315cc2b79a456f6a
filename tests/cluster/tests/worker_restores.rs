//! After a restore, and after a recovery to a point in time, the worker waits until it is told to go on.

use cluster::{Cluster, Session, add_expired, create_sessions};

/// The note of the table django_session, which ends with the call that ends the waiting.
const NOTE: &str = "SELECT coalesce(max(note), '') FROM raw_clear_sessions.status WHERE \"table\" = 'django_session'::regclass";

/// A table, what refers to it, and a trigger that keeps what is deleted.
fn create_site(session: &mut Session) {
    create_sessions(session, "django_session", 1000, 10);
    // A restored table has no dropped columns: its columns have other numbers.
    session.run(
        "ALTER TABLE django_session RENAME expire_date TO expired;
         ALTER TABLE django_session ADD expire_date timestamptz;
         UPDATE django_session SET expire_date = expired;
         ALTER TABLE django_session ALTER expire_date SET NOT NULL;
         ALTER TABLE django_session DROP expired;
         CREATE INDEX ON django_session (expire_date)",
    );
    session.run(
        "CREATE TABLE archive (LIKE django_session);
         CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN INSERT INTO public.archive SELECT OLD.*; RETURN OLD; END$$;
         CREATE TRIGGER t BEFORE DELETE ON django_session FOR EACH ROW EXECUTE FUNCTION keep();
         CREATE TABLE visit (session varchar(40) REFERENCES django_session ON DELETE CASCADE);
         CREATE INDEX ON visit (session);
         INSERT INTO visit SELECT session_key FROM django_session",
    );
}

/// Asserts that nothing is deleted until the call of the note is made, and all of it, past no trigger, afterwards.
fn assert_waits(session: &mut Session, told: &str) {
    let note = session.text(NOTE);
    assert!(note.contains(told), "{note}");
    assert_eq!(session.count("django_session"), 1000);
    assert!(session.yes("SELECT bool_and(next_start IS NULL) FROM raw_clear_sessions.status WHERE \"table\" = 'django_session'::regclass"));
    assert!(!session.yes("SELECT raw_clear_sessions_run_now('django_session')"));
    let (_, call) = note.rsplit_once(": ").expect("a call");
    session.run(call);
    session.wait_for_count("django_session", 100);
    assert_eq!(session.count("archive"), 900);
    assert_eq!(session.count("visit"), 100);
    assert_eq!(session.text(NOTE), "");
    assert!(!session.yes("SELECT raw_clear_sessions_resume_all()"));
}

#[test]
fn a_policy_waits_in_a_copy_of_its_database_and_not_in_one_that_was_renamed() {
    let cluster = Cluster::with_worker("*", &[]);
    let mut postgres = cluster.connect();
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "planned", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('planned', '1 s')");
    session.wait_for_count("planned", 10);
    drop(session);
    postgres.run("CREATE DATABASE copy TEMPLATE app");
    postgres.run("ALTER DATABASE app RENAME TO original");
    let mut session = cluster.connect_to("original");
    add_expired(&mut session, "planned", 5);
    session.wait_for_count("planned", 10);
    let mut copy = cluster.connect_to("copy");
    add_expired(&mut copy, "planned", 5);
    // What the setting lists is cleared: the worker has looked at what is due.
    create_sessions(&mut copy, "django_session", 100, 10);
    copy.wait_for_count("django_session", 10);
    assert_eq!(copy.count("planned"), 15);
    let note = copy
        .text("SELECT note FROM raw_clear_sessions.status WHERE \"table\" = 'planned'::regclass");
    assert!(note.contains("from another database"), "{note}");
    let (_, call) = note.rsplit_once(": ").expect("a call");
    copy.run(call);
    copy.wait_for_count("planned", 10);
}

#[test]
fn a_dump_is_restored_into_a_server_whose_worker_is_on() {
    let source = Cluster::with(&[]);
    create_site(&mut source.database("app").connect());
    // The worker has looked at the database again and again when it has cleared this for the third time.
    let witness = "CREATE TABLE witness (LIKE django_session);
         SELECT raw_clear_sessions_schedule('witness', '1 s', expires => 'expire_date')";
    let target = Cluster::with_worker("*", &[]);
    for (name, restore) in [
        (
            "by_psql",
            "pg_dump -h {source} app | psql -qX -v ON_ERROR_STOP=1 by_psql",
        ),
        (
            "by_pg_restore",
            "pg_dump -h {source} -Fd -f {folder}/dump app && pg_restore -e -j 2 -d by_pg_restore {folder}/dump",
        ),
    ] {
        let mut restored = target.bare_database(name).connect();
        let folder = target.folder().display().to_string();
        target.shell(
            &restore
                .replace("{source}", &source.folder().display().to_string())
                .replace("{folder}", &folder),
        );
        restored.run(witness);
        restored.wait_for_ends("witness", 3);
        assert_waits(&mut restored, "the database comes from a dump");
    }
    // Where the extension is created as usual, nothing waits.
    let mut session = target.database("made_here").connect();
    create_site(&mut session);
    session.wait_for_count("django_session", 100);
}

#[test]
fn a_server_that_was_recovered_to_a_point_in_time_waits_and_its_standby_does_not_once_it_went_on() {
    let primary = Cluster::with_worker("app", &[("raw_clear_sessions.paused", "on")]);
    let mut here = primary.database("app").connect();
    create_site(&mut here);
    here.run("SELECT raw_clear_sessions_schedule('django_session', '1 s')");
    let backups = [primary.backup(&[]), primary.backup(&[])];
    here.run("INSERT INTO archive VALUES ('before', '', 'infinity')");
    let time = here.text("SELECT clock_timestamp()::text");
    here.run("SELECT pg_create_restore_point('accident')");
    here.run("INSERT INTO archive VALUES ('after', '', 'infinity')");
    let targets = [
        ("recovery_target_time", time.as_str(), "before "),
        (
            "recovery_target_name",
            "accident",
            "at restore point \"accident\"",
        ),
    ];
    for (mut recovered, (setting, value, point)) in backups.into_iter().zip(targets) {
        recovered.set(&[("raw_clear_sessions.paused", "off")]);
        recovered.recover_to(&primary, (setting, value));
        let mut there = recovered.connect_to("app");
        assert_eq!(there.texts("SELECT session_key FROM archive"), ["before"]);
        there.run("DELETE FROM archive");
        // The settings of the recovery are still there, and so is the waiting, after a restart.
        drop(there);
        recovered.stop(cluster::Shutdown::Fast);
        recovered.start();
        let mut there = recovered.connect_to("app");
        there.wait_for_launcher();
        let mut standby = recovered.backup(&["--write-recovery-conf"]);
        standby.set(&[("restore_command", ""), (setting, "")]);
        standby.start();
        let told = there.text(NOTE);
        assert!(told.contains(point), "{told}");
        assert_waits(
            &mut there,
            "was recovered to a point in time (timeline 2 from ",
        );
        there.run("INSERT INTO django_session SELECT 'more' || i, '', '2001-01-01' FROM generate_series(1, 7) AS i");
        there.wait_for_count("django_session", 100);
        recovered.wait_for_replay(&standby);
        standby.promote();
        let mut promoted = standby.connect_to("app");
        promoted.run("INSERT INTO django_session VALUES ('last', '', '2001-01-01')");
        promoted.wait_for_count("django_session WHERE expire_date = '2001-01-01'", 0);
    }
}

#[test]
fn what_rests_after_a_restore_is_the_owner_of_the_databases_to_resume() {
    let cluster = Cluster::with_worker("*", &[]);
    let mut session = cluster.database("app").connect();
    session.run(
        "CREATE ROLE somebody LOGIN; CREATE ROLE owner LOGIN; ALTER DATABASE app OWNER TO owner",
    );
    let call = "SELECT raw_clear_sessions_resume_all()";
    assert_eq!(
        cluster
            .existing_database("app")
            .connect_as("somebody")
            .refused(call),
        "42501"
    );
    assert!(
        !cluster
            .existing_database("app")
            .connect_as("owner")
            .yes(call)
    );
    session.run("UPDATE raw_clear_sessions.origin SET restored = true");
    assert!(
        cluster
            .existing_database("app")
            .connect_as("owner")
            .yes(call)
    );
}
