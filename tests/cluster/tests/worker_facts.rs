//! What a run goes by is what holds in each of its transactions, when the table is locked, and nothing that was read before.

use cluster::{Cluster, Database, FAST, SLOW, Session, add_expired, create_sessions, wait_until};

/// Of a table that is waited for.
const LOCK_TIMEOUT: (&str, &str) = ("raw_clear_sessions.lock_timeout", "1min");

fn details(session: &mut Session, condition: &str) -> String {
    session.text(&format!(
        "SELECT details::text FROM raw_clear_sessions.run WHERE {condition}"
    ))
}

/// Has a table sampled by an expression that waits for a lock, and returns when the worker waits for it, with who has it.
fn being_sampled(database: &Database<'_>, policy: &str) -> (Session, Session) {
    let (mut session, mut holder) = (database.connect(), database.connect());
    session.run(
        "CREATE TABLE sampled (session_key text, expires timestamptz);
         INSERT INTO sampled SELECT i, '2020-01-01' FROM generate_series(1, 1000) AS i;
         ANALYZE sampled;
         CREATE FUNCTION waits(timestamptz) RETURNS timestamptz STABLE LANGUAGE plpgsql AS $$ BEGIN
             PERFORM pg_advisory_lock_shared(1), pg_advisory_unlock_shared(1);
             RETURN $1;
         END $$",
    );
    holder.run("SELECT pg_advisory_lock(1)");
    session.run(&format!(
        "SELECT raw_clear_sessions_schedule('sampled', '1 h', expires => 'public.waits(expires)', time_zone => 'UTC', {policy})"
    ));
    wait_until("the worker looks at the rows", || {
        session
            .yes("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
    });
    (session, holder)
}

#[test]
fn a_policy_whose_change_is_committed_in_two_phases_while_the_table_is_waited_for_is_the_one_under_its_lock()
 {
    let settings = [
        LOCK_TIMEOUT,
        ("max_prepared_transactions", "5"),
        ("raw_clear_sessions.batch_size", "20000"),
    ];
    let cluster = Cluster::with_worker("app", &settings);
    let database = cluster.database("app");
    let (mut session, mut locker) = (database.connect(), database.connect());
    create_sessions(&mut session, "django_session", 0, 10);
    locker.run("BEGIN; LOCK TABLE django_session");
    add_expired(&mut locker, "django_session", 1000);
    session.wait_for_lock_on("django_session");
    locker.run("SELECT raw_clear_sessions_schedule('django_session', '1 s', keep => '1000 years')");
    locker.run("PREPARE TRANSACTION 'later'");
    // What was to be done at the commit is done at this session's next one.
    locker.run("CREATE TABLE other ()");
    session.run("COMMIT PREPARED 'later'");
    session.wait_for_ends("django_session", 1);
    assert_eq!(session.count("django_session"), 1000);
}

#[test]
fn a_policy_that_comes_to_rest_while_the_table_is_waited_for_deletes_nothing() {
    let settings = [LOCK_TIMEOUT, ("raw_clear_sessions.tables", "")];
    let cluster = Cluster::with_worker("app", &settings);
    let database = cluster.database("app");
    let (mut session, mut locker) = (database.connect(), database.connect());
    create_sessions(&mut session, "django_session", 0, 10);
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 s')");
    locker.run("BEGIN; LOCK TABLE django_session");
    add_expired(&mut locker, "django_session", 1000);
    session.wait_for_lock_on("django_session");
    // As a superuser can: nobody is told.
    session.run("UPDATE raw_clear_sessions.policy SET suspended = now()");
    locker.run("COMMIT");
    session.wait_for_run("stop = 'unscheduled' AND coalesce(deleted, 0) = 0");
    assert_eq!(session.count("django_session"), 1000);
}

#[test]
fn a_table_is_not_rewritten_by_a_policy_that_is_replaced_untold_while_the_lock_is_waited_for() {
    let settings = [LOCK_TIMEOUT, ("raw_clear_sessions.rewrite_above", "0.5")];
    let cluster = Cluster::with_worker("app", &settings);
    let database = cluster.database("app");
    let (mut session, mut user) = (database.connect(), database.connect());
    create_sessions(&mut session, "waited_for", 10_000, 100);
    user.run("BEGIN; LOCK TABLE waited_for IN ROW EXCLUSIVE MODE");
    session.run("SELECT raw_clear_sessions_schedule('waited_for', '1 s')");
    session.wait_for_lock_on("waited_for");
    session.run("UPDATE raw_clear_sessions.policy SET keep = '1000 years'");
    user.run("COMMIT");
    session.wait_for_ends("waited_for", 1);
    assert_eq!(session.count("waited_for"), 10_000);
}

#[test]
fn a_table_is_rewritten_whatever_becomes_of_other_policies_while_it_is_waited_for() {
    let settings = [LOCK_TIMEOUT, ("raw_clear_sessions.rewrite_above", "0.5")];
    let cluster = Cluster::with_worker("app", &settings);
    let database = cluster.database("app");
    let (mut session, mut user) = (database.connect(), database.connect());
    create_sessions(&mut session, "waited_for", 10_000, 100);
    create_sessions(&mut session, "another", 0, 100);
    user.run("BEGIN; LOCK TABLE waited_for IN ROW EXCLUSIVE MODE");
    session.run("SELECT raw_clear_sessions_schedule('waited_for', '1 h')");
    session.wait_for_lock_on("waited_for");
    session.run("SELECT raw_clear_sessions_schedule('another', '1 h')");
    user.run("COMMIT");
    session.wait_for_run("stop = 'done' AND details->>'rewrite' = 'done'");
    assert_eq!(session.count("waited_for"), 100);
}

#[test]
fn a_rewrite_that_is_withdrawn_while_the_table_is_sampled_is_not_begun() {
    let cluster = Cluster::with_worker("app", &[LOCK_TIMEOUT]);
    let database = cluster.database("app");
    let (mut session, mut holder) = being_sampled(&database, "rewrite_above => 0.5");
    session.run(
        "SELECT raw_clear_sessions_schedule('sampled', '1 h', expires => 'public.waits(expires)', time_zone => 'UTC')",
    );
    holder.run("SELECT pg_advisory_unlock(1)");
    session.wait_for_run("stop = 'done' AND deleted = 1000");
    let details = details(&mut session, "stop = 'done'");
    assert!(!details.contains("\"rewrite\""), "{details}");
}

#[test]
fn a_table_is_not_rewritten_by_a_sample_of_what_another_policy_has_expire() {
    let cluster = Cluster::with_worker("app", &[LOCK_TIMEOUT]);
    let database = cluster.database("app");
    let (mut session, mut holder) = being_sampled(&database, "rewrite_above => 0.5");
    let file = "SELECT pg_relation_filepath('sampled')";
    let before = session.text(file);
    session.run(
        "SELECT raw_clear_sessions_schedule('sampled', '1 h', expires => 'public.waits(expires)', time_zone => 'UTC',
             rewrite_above => 0.5, keep => '1000 years')",
    );
    holder.run("SELECT pg_advisory_unlock(1)");
    wait_until("the run has ended", || session.ended_runs("sampled") == 1);
    assert_eq!(session.count("sampled"), 1000);
    assert_eq!(session.text(file), before);
}

#[test]
fn what_is_left_after_a_limit_is_what_expires_by_the_policy_of_the_runs_end() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = cluster.database("app").connect();
    session.run(
        "CREATE TABLE limited (session_key text, expires timestamptz);
         INSERT INTO limited SELECT i, '2020-01-01' FROM generate_series(1, 3000) AS i;
         INSERT INTO limited SELECT i, now() - interval '1 day' FROM generate_series(1, 30000) AS i",
    );
    let schedule = |keep: &str| {
        format!(
            "SELECT raw_clear_sessions_schedule('limited', '1 h', expires => 'expires', max_rows => 1000{keep})"
        )
    };
    session.run(&schedule(""));
    session.wait_for_busy_worker("limited");
    session.run(&schedule(", keep => '30 days'"));
    cluster.reload(&FAST);
    session.wait_for_run("stop = 'max_rows'");
    let left = session.number("SELECT (details->>'expired_left')::bigint FROM raw_clear_sessions.run WHERE stop = 'max_rows'");
    assert!(left < 10_000, "{left}");
}

#[test]
fn a_run_acts_for_no_owner_who_has_lost_the_table_while_it_was_waited_for() {
    let cluster = Cluster::with_worker("app", &[LOCK_TIMEOUT]);
    let database = cluster.database("app");
    let (mut session, mut locker) = (database.connect(), database.connect());
    create_sessions(&mut session, "django_session", 0, 10);
    session.run(
        "CREATE ROLE seller; CREATE ROLE buyer;
         CREATE TABLE acted (role name);
         GRANT INSERT ON acted TO seller, buyer;
         CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN INSERT INTO public.acted VALUES (current_user); RETURN OLD; END $$;
         CREATE TRIGGER act BEFORE DELETE ON django_session FOR EACH ROW EXECUTE FUNCTION act();
         ALTER TABLE django_session OWNER TO seller;",
    );
    locker.run("BEGIN; LOCK TABLE django_session");
    add_expired(&mut locker, "django_session", 10);
    session.wait_for_lock_on("django_session");
    // Who has lost it may still delete, but is not who is to be acted for.
    locker.run(
        "ALTER TABLE django_session OWNER TO buyer; GRANT ALL ON django_session TO seller; COMMIT",
    );
    session.wait_for_run("stop = 'failed' AND sqlstate = '55006'");
    session.run("SELECT raw_clear_sessions_run_now('django_session')");
    session.wait_for_count("django_session", 0);
    assert_eq!(
        session.texts("SELECT DISTINCT role::text FROM acted"),
        ["buyer"]
    );
}
