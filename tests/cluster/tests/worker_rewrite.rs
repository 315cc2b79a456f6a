//! The worker rewrites a table of which most has expired, if it can have the table for itself.

use cluster::{Cluster, Database, Session, create_sessions};

const ABOVE_HALF: (&str, &str) = ("raw_clear_sessions.rewrite_above", "0.5");

/// Another file is behind the name once the table has been rewritten.
fn file(session: &mut Session, table: &str) -> String {
    session.text(&format!("SELECT pg_relation_filepath('{table}')"))
}

fn rewrite_of(session: &mut Session) -> Option<String> {
    session.value("SELECT details ->> 'rewrite' FROM raw_clear_sessions.run WHERE deleted > 0")
}

/// Creates a table of which every `every`th row is live, under a name by which the worker does not know it yet.
fn prepare(database: &Database<'_>, every: u32) -> Session {
    let mut session = database.connect();
    create_sessions(&mut session, "prepared", 10_000, every);
    session
}

#[test]
fn a_table_of_which_most_has_expired_is_rewritten() {
    let cluster = Cluster::with_worker("app", &[ABOVE_HALF]);
    let mut session = prepare(&cluster.database("app"), 100);
    let before = file(&mut session, "prepared");
    session.run("ALTER TABLE prepared RENAME TO django_session");
    session.wait_for_run("deleted = 9900 AND stop = 'done'");
    assert_eq!(session.count("django_session"), 100);
    assert_ne!(file(&mut session, "django_session"), before);
    assert_eq!(rewrite_of(&mut session).as_deref(), Some("done"));
}

#[test]
fn a_table_of_which_little_has_expired_is_not() {
    let cluster = Cluster::with_worker("app", &[ABOVE_HALF]);
    let mut session = prepare(&cluster.database("app"), 100);
    session
        .run("UPDATE prepared SET expire_date = '2199-01-01' WHERE session_key NOT LIKE 'key7%'");
    let before = file(&mut session, "prepared");
    session.run("ALTER TABLE prepared RENAME TO django_session");
    session.wait_for_run("deleted > 0 AND stop = 'done'");
    assert_eq!(file(&mut session, "django_session"), before);
    assert_eq!(rewrite_of(&mut session), None);
}

#[test]
fn a_table_that_others_are_using_is_cleared_in_batches_instead() {
    let cluster = Cluster::with_worker(
        "app",
        &[ABOVE_HALF, ("raw_clear_sessions.lock_timeout", "100ms")],
    );
    let database = cluster.database("app");
    let mut session = prepare(&database, 100);
    let before = file(&mut session, "prepared");
    let mut reader = database.connect();
    session.run("ALTER TABLE prepared RENAME TO django_session");
    reader.run("BEGIN; SELECT FROM django_session LIMIT 1");
    session.wait_for_run("deleted > 0 AND stop = 'done'");
    reader.run("COMMIT");
    session.wait_for_count("django_session", 100);
    assert_eq!(file(&mut session, "django_session"), before);
    let why = rewrite_of(&mut session).expect("it was tried");
    assert!(why.contains("lock"), "{why}");
}

#[test]
fn a_policy_replaced_while_the_table_is_waited_for_is_not_rewritten_by() {
    let cluster = Cluster::with_worker(
        "app",
        &[ABOVE_HALF, ("raw_clear_sessions.lock_timeout", "1min")],
    );
    let database = cluster.database("app");
    let mut session = prepare(&database, 100);
    let mut user = database.connect();
    user.run("BEGIN; LOCK TABLE prepared IN ROW EXCLUSIVE MODE");
    session.run("SELECT raw_clear_sessions_schedule('prepared', '1 s')");
    session.wait_for_lock_on("prepared");
    user.run("SELECT raw_clear_sessions_schedule('prepared', '1 s', keep => '1000 years'); COMMIT");
    session.wait_for_ends("prepared", 1);
    assert_eq!(session.count("prepared"), 10_000);
}

#[test]
fn a_table_that_cannot_be_rewritten_is_cleared_in_batches_instead() {
    let cluster = Cluster::with_worker("app", &[ABOVE_HALF]);
    let mut session = prepare(&cluster.database("app"), 100);
    session.run(
        "CREATE TABLE child (session_key varchar(40) REFERENCES prepared ON DELETE CASCADE);
         ALTER TABLE prepared RENAME TO django_session",
    );
    session.wait_for_run("deleted = 9900 AND stop = 'done'");
    let why = rewrite_of(&mut session).expect("it was tried");
    assert!(why.contains("foreign key"), "{why}");
}

#[test]
fn what_a_failed_rewrite_left_out_does_not_count_as_deleted() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.tables", "")]);
    let mut session = prepare(&cluster.database("app"), 100);
    // The index cannot be rebuilt; from then on nobody can say what has expired, so that the batches fail, too.
    session.run(
        "CREATE SEQUENCE tried;
         CREATE FUNCTION fail(key text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN key; END $$;
         CREATE INDEX ON prepared (fail(session_key));
         CREATE OR REPLACE FUNCTION fail(key text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
             PERFORM nextval('public.tried');
             RAISE 'not rebuilt';
         END $$;
         CREATE FUNCTION ends(at timestamptz) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$ BEGIN
             IF (SELECT is_called FROM public.tried) THEN RAISE 'nobody knows'; END IF;
             RETURN at;
         END $$;
         SELECT raw_clear_sessions_schedule('prepared', '1 s', expires => 'public.ends(expire_date)', time_zone => 'UTC', rewrite_above => 0.1)",
    );
    session.wait_for_run("stop = 'failed' AND error LIKE '%: nobody knows'");
    assert_eq!(
        session
            .text("SELECT details ->> 'rewrite' FROM raw_clear_sessions.run ORDER BY id LIMIT 1"),
        "not rebuilt"
    );
    assert_eq!(session.runs("deleted > 0"), 0);
    assert_eq!(session.count("prepared"), 10_000);
}

#[test]
fn a_policy_says_for_its_table_alone_when_to_rewrite() {
    let cluster = Cluster::with_worker("app", &[ABOVE_HALF]);
    let mut session = prepare(&cluster.database("app"), 100);
    let before = file(&mut session, "prepared");
    session.run("SELECT raw_clear_sessions_schedule('prepared', '1 s', rewrite_above => 0)");
    session.wait_for_run("deleted = 9900 AND stop = 'done'");
    assert_eq!(file(&mut session, "prepared"), before);
    session.run(
        "INSERT INTO prepared SELECT 'again' || i, '', '2020-01-01' FROM generate_series(1, 10000) AS i;
         SELECT raw_clear_sessions_schedule('prepared', '1 s', rewrite_above => 0.9)",
    );
    session.wait_for_run("deleted > 0 AND details ->> 'rewrite' = 'done'");
    assert_ne!(file(&mut session, "prepared"), before);
}
