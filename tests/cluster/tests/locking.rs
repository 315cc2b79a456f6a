//! Locks that other sessions hold, on the table and on its rows.

use cluster::{Cluster, EXPIRED, Pass, create_sessions};

#[test]
fn a_locked_row_is_skipped_without_waiting_and_reached_by_the_next_call() {
    let database = Cluster::shared().database("locked_row");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 100, 10);
    for pass in Pass::RAW {
        pass.choose(&mut session, "django_session");
        let pass = pass.name();
        session.run(&format!(
            "INSERT INTO django_session SELECT '{pass}' || i, '', {EXPIRED} FROM generate_series(1, 90) AS i"
        ));
        let mut holder = database.connect();
        holder.run(&format!(
            "BEGIN; SELECT FROM django_session WHERE session_key = '{pass}7' FOR UPDATE"
        ));
        session.clear("django_session");
        // The lock is still held.
        assert_eq!(session.count("django_session"), 10 + 1, "{pass}");
        holder.run("COMMIT");
        assert_eq!(session.clear("django_session"), 1, "{pass}");
    }
}

#[test]
fn lock_timeout_ends_the_wait_for_a_table_that_is_locked_exclusively() {
    let database = Cluster::shared().database("table_lock");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 100, 10);
    let mut holder = database.connect();
    holder.run("BEGIN; LOCK django_session IN ACCESS EXCLUSIVE MODE");
    session.run("SET lock_timeout = '50ms'");
    let statement = "SELECT raw_clear_sessions('django_session')";
    assert_eq!(session.refused(statement), "55P03");
    session.run("RESET lock_timeout");
    session.run("SET statement_timeout = '50ms'");
    assert_eq!(session.refused(statement), "57014");
    session.run("RESET statement_timeout");
    // The procedure's own limit; the session's is shorter, or there is none.
    let in_batches = "CALL raw_clear_sessions_in_batches('django_session')";
    session.run("SET raw_clear_sessions.lock_timeout = '50ms'; SET statement_timeout = '1min'");
    assert_eq!(session.refused(in_batches), "55P03");
    session.run("SET raw_clear_sessions.lock_timeout = '1h'; SET lock_timeout = '50ms'");
    assert_eq!(session.refused(in_batches), "55P03");
    session.run("RESET ALL");
    let waiting = session.start(statement);
    waiting.wait_for_lock_wait(&mut database.connect());
    holder.run("ROLLBACK");
    assert_eq!(waiting.value(), "90");
}

#[test]
fn a_run_keeps_others_from_its_table_after_a_partition_has_failed() {
    let cluster = Cluster::with_worker("", &[]);
    let database = cluster.database("app");
    let mut session = database.connect();
    session.run(&format!(
        "CREATE TABLE s (id integer, shop integer, expires timestamptz) PARTITION BY LIST (shop);
         CREATE TABLE s1 PARTITION OF s FOR VALUES IN (1);
         CREATE TABLE s2 PARTITION OF s FOR VALUES IN (2);
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'XX000'; END$$;
         CREATE TRIGGER refuse BEFORE DELETE ON s1 FOR EACH ROW EXECUTE FUNCTION refuse();
         INSERT INTO s SELECT i, CASE WHEN i > 3 THEN 2 ELSE 1 END, {EXPIRED} FROM generate_series(1, 20000) AS i;"
    ));
    let mut observer = database.connect();
    session.run("SET raw_clear_sessions.cost_delay = '50ms'");
    let running = session.start("CALL raw_clear_sessions_in_batches('s', expires => 'expires')");
    let in_the_second = "raw_clear_sessions.progress WHERE leaf = 's2'::regclass AND deleted > 0";
    cluster::wait_until("it is in the second partition", || {
        observer.count(in_the_second) > 0
    });
    let clear = "SELECT raw_clear_sessions('s', expires => 'expires', filter => 'shop = 2')";
    assert_eq!(observer.refused(clear), "55P03");
    running.cancel();
    drop(running.finish());
}

#[test]
fn rows_that_others_are_changing_are_counted_by_either_engine() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.tables", "")]);
    let database = cluster.database("app");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    let changed = "django_session WHERE expire_date < now() AND session_key ~ '5$'";
    let mut holder = database.connect();
    holder.run(&format!("BEGIN; SELECT FROM {changed} FOR UPDATE"));
    let changing = session.count(changed);
    for (runs, filter) in [(1, "NULL"), (2, "'true'")] {
        session.run(&format!(
            "INSERT INTO django_session SELECT 'new{runs}' || i, '', {EXPIRED} FROM generate_series(1, 4) AS i;
             SELECT raw_clear_sessions_schedule('django_session', '1 h', filter => {filter}),
                raw_clear_sessions_run_now('django_session')"
        ));
        let ended = format!("raw_clear_sessions.status WHERE runs >= {runs} AND pid IS NULL");
        cluster::wait_until("it has been cleared", || session.count(&ended) > 0);
        assert_eq!(
            session.count("django_session WHERE expire_date < now()"),
            changing
        );
        let told = "SELECT last_skipped || ' ' || expired_left FROM raw_clear_sessions.status";
        assert_eq!(
            session.text(told),
            format!("{changing} {changing}"),
            "{filter}"
        );
    }
}

/// Who may delete none of the rows keeps nobody from clearing them.
#[test]
fn a_transaction_that_has_deleted_nothing_holds_up_no_other_clearing() {
    let database = Cluster::shared().database("nothing_deleted");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 100, 10);
    session.run(
        "CREATE ROLE blind; GRANT SELECT, DELETE ON django_session TO blind;
         ALTER TABLE django_session ENABLE ROW LEVEL SECURITY",
    );
    let mut blind = database.connect();
    blind.run("SET ROLE blind; BEGIN");
    let clear = "SELECT raw_clear_sessions('django_session')";
    assert_eq!(blind.number(clear), 0);
    assert_eq!(session.number(clear), 90);
    // Who has deleted rows keeps others from it, also if nothing is left for a second call.
    session.run(&format!(
        "INSERT INTO django_session VALUES ('one', '', {EXPIRED}); BEGIN; {clear}; {clear}"
    ));
    assert_eq!(database.connect().refused(clear), "55P03");
}
