//! The recipes for those who move from another way of clearing.

use cluster::{
    Block, Cluster, Database, Filled, PRELOADED, Page, SOON, Session, Shutdown, wait_until,
};

/// The tables of Django's, known without their schema to everybody who connects to this database.
fn fill(database: &Database, session: &mut Session) -> Filled {
    let filled = Filled::new(session, "site", "django_sessions");
    let name = database.name();
    session.run(&format!(
        "ALTER DATABASE {name} SET search_path = site, public"
    ));
    filled
}

/// The status, as the block has it, of each table.
fn status(cluster: &Cluster, block: &Block) -> Vec<String> {
    let rows = cluster.psql("app", &block.text);
    rows.lines().map(str::to_owned).collect()
}

#[test]
fn from_a_cron_job() {
    let page = Page::named("from-cron").blocks();
    let [function, procedure, preview, settings, after] = &page[..] else {
        panic!("the page has other blocks: {page:?}");
    };
    let cluster = Cluster::with(&[PRELOADED]);
    let database = cluster.database("app");
    let mut session = database.connect();
    let mut filled = fill(&database, &mut session);
    let rows = cluster.psql("app", &preview.text);
    assert_eq!(rows.trim(), "Django sessions|expire_date|00:00:00|2");
    assert!(filled.is_untouched(&mut session));
    for job in [function, procedure] {
        let line = job.text.splitn(6, ' ').last().expect("a command");
        // Cron mails whatever a job prints.
        assert_eq!(cluster.shell(line), "", "{}", job.place());
        assert!(filled.is_cleared(&mut session), "{}", job.place());
        filled.expire(&mut session);
    }

    cluster.add_lines(&settings.text);
    cluster.reload(&[SOON]);
    wait_until("the worker clears the table", || {
        filled.is_cleared(&mut session)
    });
    session.wait_for_run("stop = 'done' AND caller IS NULL");
    let status = status(&cluster, after);
    assert_eq!(status.len(), 1);
    assert!(status[0].starts_with("django_session|20"), "{status:?}");
}

/// A server with pg_cron, or none where its package could not be had (scripts/pg-cron says so).
fn with_pg_cron() -> Option<Cluster> {
    let mut cluster = Cluster::with(&[]);
    let available = cluster
        .connect()
        .count("pg_available_extensions WHERE name = 'pg_cron'");
    if available == 0 {
        return None;
    }
    cluster.stop(Shutdown::Fast);
    let folder = cluster.folder().to_str().expect("a plain path").to_owned();
    cluster.set(&[
        ("shared_preload_libraries", "pg_cron"),
        ("cron.database_name", "app"),
        ("cron.host", &folder),
    ]);
    cluster.start();
    Some(cluster)
}

/// Has pg_cron run its jobs when the server starts, because the next quarter of an hour is far, and starts it. Returns
/// what became of the job with the name.
fn run_job(cluster: &mut Cluster, name: &str) -> String {
    let mut session = cluster.connect_to("app");
    session.run(
        "SELECT cron.alter_job(jobid, schedule => '@reboot') FROM cron.job;
         TRUNCATE cron.job_run_details",
    );
    drop(session);
    cluster.stop(Shutdown::Fast);
    cluster.start();
    let mut session = cluster.connect_to("app");
    let outcome = format!(
        "SELECT coalesce(max(status || ': ' || return_message), '') FROM cron.job_run_details AS d, cron.job AS j
         WHERE d.jobid = j.jobid AND jobname = '{name}' AND status IN ('succeeded', 'failed')"
    );
    wait_until("pg_cron has run the job", || {
        !session.text(&outcome).is_empty()
    });
    session.text(&outcome)
}

#[test]
fn from_pg_cron() {
    let page = Page::named("from-pg_cron").blocks();
    let [jobs, schedule, unschedule, settings] = &page[..] else {
        panic!("the page has other blocks: {page:?}");
    };
    let Some(mut cluster) = with_pg_cron() else {
        return;
    };
    let database = cluster.database("app");
    let mut session = database.connect();
    let mut filled = fill(&database, &mut session);
    session.run(
        "CREATE EXTENSION pg_cron;
         SELECT cron.schedule('clear sessions', '*/15 * * * *', 'DELETE FROM django_session WHERE expire_date < now()')",
    );
    let listed = cluster.psql("app", &jobs.text);
    assert!(
        listed.contains("|clear sessions|") && listed.contains("DELETE"),
        "{listed}"
    );

    cluster.psql("app", &schedule.text);
    let commands = session.texts("SELECT command FROM cron.job");
    let call = "CALL raw_clear_sessions_in_batches('django_session')";
    assert_eq!(commands, [call]);
    // Several statements are one transaction.
    session.run(&format!(
        "SELECT cron.schedule('two', '@reboot', $$SELECT 1; {call}$$)"
    ));
    drop((session, database));
    for in_background_worker in ["off", "on"] {
        cluster.set(&[("cron.use_background_workers", in_background_worker)]);
        let refused = run_job(&mut cluster, "two");
        assert!(
            refused.starts_with("failed") && refused.contains("transaction block"),
            "{refused}"
        );
        let outcome = run_job(&mut cluster, "clear sessions");
        assert!(outcome.starts_with("succeeded"), "{outcome}");
        let mut session = cluster.connect_to("app");
        assert!(filled.is_cleared(&mut session), "{in_background_worker}");
        filled.expire(&mut session);
    }

    cluster.psql("app", &unschedule.text);
    cluster.add_lines(&settings.text);
    cluster.set(&[SOON]);
    cluster.stop(Shutdown::Fast);
    cluster.start();
    let mut session = cluster.connect_to("app");
    assert_eq!(
        session.count("cron.job WHERE jobname = 'clear sessions'"),
        0
    );
    wait_until("the worker clears the table", || {
        filled.is_cleared(&mut session)
    });
}

/// What pg_ttl_index 3.0 leaves in a database: its table, as its script makes it, and the rows in it. The extension is
/// not here.
const TTL_INDEX: &str = "
    CREATE TABLE public.ttl_index_table (
        schema_name text NOT NULL DEFAULT 'public',
        table_name text NOT NULL,
        column_name text NOT NULL,
        expire_after_seconds integer NOT NULL,
        active boolean NOT NULL DEFAULT true,
        index_name text,
        soft_delete_column text,
        PRIMARY KEY (schema_name, table_name, column_name)
    );
    SET allow_system_table_mods = on;
    INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
        VALUES (4000000001, 'pg_ttl_index', 10, 'public'::regnamespace, false, '3.0.0');
    INSERT INTO pg_depend (classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype)
        VALUES ('pg_class'::regclass, 'public.ttl_index_table'::regclass, 0, 'pg_extension'::regclass, 4000000001, 0, 'e');
    RESET allow_system_table_mods;
    CREATE INDEX idx_ttl_token_valid_until ON at_once.token (valid_until);
    INSERT INTO ttl_index_table VALUES
        ('at_once', 'token', 'valid_until', 0, true, 'idx_ttl_token_valid_until', NULL),
        ('after_a_week', 'token', 'valid_until', 604800, true, NULL, NULL),
        ('quoted', 'Token', 'validUntil', 0, true, NULL, NULL),
        ('naive', 'token', 'valid_until', 0, true, NULL, NULL),
        ('inactive', 'token', 'valid_until', 0, false, NULL, NULL),
        ('soft', 'token', 'valid_until', 0, true, NULL, 'deleted_at')";

#[test]
fn from_pg_ttl_index() {
    let mut page = Page::named("from-pg_ttl_index").blocks();
    page.retain(|block| block.apart);
    let [list, policies, settings, after, drop] = &page[..] else {
        panic!("the page has other blocks: {page:?}");
    };
    let cluster = Cluster::with(&[PRELOADED, ("timezone", "Europe/Berlin")]);
    let mut session = cluster.database("app").connect();
    let mut fill = |schema: &str, name: &str| Filled::new(&mut session, schema, name);
    let active = [
        fill("at_once", "token"),
        fill("after_a_week", "token_for_a_week"),
        fill("quoted", "token_quoted"),
        fill("naive", "token_berlin"),
    ];
    let others = [fill("inactive", "token"), fill("soft", "token")];
    session.run(TTL_INDEX);
    assert_eq!(cluster.psql("app", &list.text).lines().count(), 5);
    // The zone of who asks is not the server's.
    session.run("ALTER ROLE CURRENT_USER SET timezone = 'America/New_York'");
    cluster.psql("app", &policies.text);
    session.run("ALTER ROLE CURRENT_USER RESET timezone");
    assert_eq!(session.count("raw_clear_sessions.policy"), 4);

    cluster.add_lines(&settings.text);
    cluster.reload(&[SOON]);
    for filled in &active {
        wait_until(
            &format!("the worker clears the table in {}", filled.schema),
            || filled.is_cleared(&mut session),
        );
    }
    session.wait_for_run("ended IS NOT NULL");
    let status = status(&cluster, after);
    assert_eq!(status.len(), 4, "{status:?}");
    for filled in &others {
        assert!(filled.is_untouched(&mut session), "{}", filled.schema);
    }
    cluster.psql("app", &drop.text);
    assert_eq!(
        session.count("pg_class WHERE relname = 'ttl_index_table'"),
        0
    );
    assert_eq!(
        session.count("pg_class WHERE relname = 'idx_ttl_token_valid_until'"),
        1
    );
    assert_eq!(session.count("raw_clear_sessions.policy"), 4);
}
