//! The recipes for what hangs on a session: each block as it stands there.

use cluster::{Block, Cluster, Page, Session, create_sessions, wait_until};

fn blocks() -> Vec<Block> {
    Page::named("beside").blocks_of("sql")
}

/// A worker that clears what is scheduled, and 1,000 sessions of which 900 have expired.
fn site() -> (Cluster, Session) {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.tables", "")]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    (cluster, session)
}

#[test]
fn who_listens_is_told_of_expired_sessions_and_of_no_logout() {
    let (cluster, mut session) = site();
    cluster.psql("app", &blocks()[0].text);
    let logout = "DELETE FROM django_session WHERE session_key = 'key1';";
    let listen = "LISTEN session_expired;";
    assert_eq!(cluster.psql("app", &format!("{listen} {logout}")), "");
    let told = |call: &str| {
        let said = cluster.psql("app", &format!("{listen} {call}"));
        said.matches("notification \"session_expired\" with payload \"key")
            .count()
    };
    assert_eq!(
        told("BEGIN; SELECT raw_clear_sessions('django_session'); ROLLBACK;"),
        0
    );
    let call = "CALL raw_clear_sessions_in_batches('django_session', batch_size => 100);";
    assert_eq!(told(call), 900);
    assert_eq!(session.count("django_session"), 99);
    // By the worker, too. psql shows what has arrived behind each statement.
    session.run("INSERT INTO django_session SELECT 'key again ' || i, '', '2001-01-01' FROM generate_series(1, 7) AS i");
    let wait = "DO $$BEGIN WHILE EXISTS (SELECT FROM django_session WHERE expire_date < now()) LOOP PERFORM pg_sleep(0.05); END LOOP; END$$;";
    assert_eq!(
        told(&format!(
            "SELECT raw_clear_sessions_schedule('django_session', '1 s'); {wait}"
        )),
        7
    );
}

#[test]
fn every_deleted_session_is_in_the_archive_and_no_other() {
    let (cluster, mut session) = site();
    cluster.psql("app", &blocks()[1].text);
    let both = "SELECT raw_clear_sessions('django_session', filter => 'session_key < ''key5''');
         SELECT raw_clear_sessions_schedule('django_session', '1 s')";
    session.run(both);
    session.wait_for_count("django_session", 100);
    assert_eq!(session.count("session_archive"), 900);
    assert_eq!(
        session.count("session_archive JOIN django_session USING (session_key)"),
        0
    );
}

#[test]
fn sessions_that_carts_refer_to_go_or_stay_as_the_recipe_says() {
    let (cluster, mut session) = site();
    session.run(
        "CREATE TABLE cart (id integer, session_key varchar(40) REFERENCES django_session);
         INSERT INTO cart VALUES (1, 'key1'), (2, 'key2')",
    );
    let warnings = |session: &mut Session| {
        session
            .preview("django_session", "warnings")
            .unwrap_or_default()
    };
    let warned = warnings(&mut session);
    assert!(
        warned.contains("NO ACTION") && warned.contains("cart (session_key)"),
        "{warned}"
    );
    // As long as it is referred to it stays.
    cluster.psql("app", &blocks()[3].text);
    assert_eq!(session.count("django_session"), 101);
    cluster.psql("app", &blocks()[2].text);
    assert_eq!(session.clear("django_session"), 1);
    assert_eq!(session.count("cart WHERE session_key IS NULL"), 1);
    assert!(!warnings(&mut session).contains("foreign key"));
}

#[test]
fn what_a_trigger_keeps_stays_and_a_run_without_the_filter_names_it() {
    let (cluster, mut session) = site();
    session.run("INSERT INTO django_session SELECT 'audit' || i, '', '2001-01-01' FROM generate_series(1, 3) AS i");
    cluster.psql("app", &blocks()[4].text);
    assert_eq!(session.count("django_session"), 103);
    let error = session.refused("CALL raw_clear_sessions_in_batches('django_session')");
    assert_eq!(error, "27000");
    session.run("CALL raw_clear_sessions_in_batches('django_session', filter => $$session_key NOT LIKE 'audit%'$$)");
}

#[test]
fn each_tenant_has_its_own_lifetime() {
    let (cluster, mut session) = site();
    session.run(
        "CREATE TABLE tenant (name text PRIMARY KEY, lifetime interval);
         INSERT INTO tenant VALUES ('short', '15 minutes'), ('long', '30 days'), ('none', NULL);
         CREATE TABLE visit (tenant text, last_seen timestamptz)",
    );
    let fill = "INSERT INTO visit SELECT tenant, now() - age::interval
         FROM unnest(ARRAY['short', 'long', 'none', 'unknown']) AS tenant, unnest(ARRAY['10 minutes', '1 hour', '40 days']) AS age";
    let left = "SELECT tenant || ' ' || count(*) FROM visit GROUP BY tenant ORDER BY tenant";
    let right = ["long 2", "none 3", "short 1", "unknown 3"];
    session.run(fill);
    cluster.psql("app", &blocks()[5].text);
    assert_eq!(session.texts(left), right);
    session.run("TRUNCATE visit");
    session.run(fill);
    cluster.psql("app", &blocks()[6].text);
    session.run("SELECT raw_clear_sessions_run_now('visit')");
    wait_until("the worker has cleared them", || {
        session.texts(left) == right
    });
}
