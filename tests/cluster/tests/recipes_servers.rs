//! The recipes about servers: partitions, shards, replicas, and servers that are somebody else's.

use cluster::{
    Cluster, Filled, PRELOADED, Page, SOON, Session, Shutdown, create_sessions, wait_until,
};

#[test]
fn a_partition_in_which_all_has_expired_is_dropped() {
    let database = Cluster::shared().database("partitions");
    let mut session = database.connect();
    let blocks = Page::named("partitions").blocks();
    let mut apart = blocks.iter().filter(|block| block.apart);
    let block = apart.next().expect("the page says how");
    assert!(apart.next().is_none(), "one only");
    Filled::new(&mut session, "months", &block.tables[0]);
    let before = session.count("session_store");
    let of_2020 = session.count("session_store_2020");
    let path = "SET search_path = months, public;";
    Cluster::shared().psql("partitions", &format!("{path}\n{}", block.text));
    assert_eq!(session.count("session_store"), before - of_2020);
    assert_eq!(
        session.count("pg_class WHERE relname = 'session_store_2020'"),
        0
    );
    let call = "SELECT raw_clear_sessions('session_store', expires => 'expires_at')";
    assert_eq!(session.number(call), 2);
}

/// The catalog of Citus with one distributed table, and what stands for its function: it runs a command for each table
/// that is named like a shard of it. The table's own heap is not empty here, as it would be, so that the DELETE can be
/// seen.
const CITUS: &str = "
    SET allow_system_table_mods = on;
    INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
        VALUES (4000000001, 'citus', 10, 'public'::regnamespace, false, '13.2');
    CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass);
    INSERT INTO pg_dist_partition VALUES ('django_session');
    RESET allow_system_table_mods;
    CREATE FUNCTION run_command_on_shards(\"table\" regclass, command text, OUT shardid bigint, OUT success boolean, OUT result text)
    RETURNS SETOF record LANGUAGE plpgsql AS $$
    BEGIN
        FOR shardid IN SELECT substring(relname FROM '\\d+$')::bigint FROM pg_class WHERE relname ~ '^django_session_\\d+$' LOOP
            EXECUTE format(command, 'django_session_' || shardid) INTO result;
            success := true;
            RETURN NEXT;
        END LOOP;
    END
    $$";

#[test]
fn a_distributed_table_is_cleared_as_a_whole_and_shard_by_shard() {
    let database = Cluster::shared().database("coordinator");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 100, 10);
    create_sessions(&mut session, "django_session_102008", 100, 10);
    create_sessions(&mut session, "django_session_102009", 50, 5);
    session.run(CITUS);
    let page = Page::named("sharding").blocks_of("sql");
    // The procedure and the kind of shards take the real Citus (citus_shards.rs).
    let [_, _, whole, shards, ..] = &page[..] else {
        panic!("the page has other blocks: {page:?}");
    };
    let engine =
        |session: &mut Session, table| session.preview(table, "engine").expect("there is one");
    assert_eq!(engine(&mut session, "django_session"), "sql");
    assert_eq!(engine(&mut session, "django_session_102008"), "raw");
    let deleted = Cluster::shared().psql("coordinator", &whole.text);
    assert_eq!(deleted.trim(), "90");
    assert_eq!(session.count("django_session"), 10);
    assert_eq!(session.count("django_session_102008"), 100);
    let of_shards = Cluster::shared().psql("coordinator", &shards.text);
    assert_eq!(of_shards.trim(), "102008|t|90\n102009|t|40");
    assert_eq!(session.count("django_session_102008"), 10);
    assert_eq!(session.count("django_session_102009"), 10);
}

#[test]
fn a_foreign_table_is_cleared_where_its_rows_are() {
    let cluster = Cluster::shared();
    let elsewhere = cluster.bare_database("elsewhere");
    let mut there = elsewhere.connect();
    let mut filled = Filled::new(&mut there, "site", "django_sessions");
    let mut here = cluster.database("here").connect();
    here.run(&format!(
        "CREATE EXTENSION postgres_fdw;
         CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{}', dbname 'elsewhere');
         CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere OPTIONS (user 'postgres');
         IMPORT FOREIGN SCHEMA site LIMIT TO (django_session) FROM SERVER elsewhere INTO public;
         ALTER FOREIGN TABLE django_session RENAME TO django_session_elsewhere",
        cluster.folder().display()
    ));
    let page = Page::named("sharding").blocks_of("sql");
    let calls = page
        .iter()
        .skip_while(|block| !block.text.contains("_elsewhere"));
    let [function, procedure, there_itself] = calls.collect::<Vec<_>>()[..] else {
        panic!("the page has other blocks: {page:?}");
    };
    let deleted = cluster.psql("here", &function.text);
    assert_eq!(deleted.trim(), "2");
    assert!(filled.is_cleared(&mut there));
    filled.expire(&mut there);
    let deleted = cluster.psql("here", &procedure.text);
    assert_eq!(deleted.trim(), "2");
    assert!(filled.is_cleared(&mut there));
    filled.expire(&mut there);
    there.run("CREATE EXTENSION raw_clear_sessions SCHEMA public");
    here.run("CREATE EXTENSION dblink");
    let deleted = cluster.psql("here", &there_itself.text);
    assert_eq!(deleted.trim(), "2");
    assert!(filled.is_cleared(&mut there));
}

#[test]
fn the_worker_clears_the_same_table_in_all_databases_that_are_listed() {
    let page = Page::named("sharding").blocks_of("ini");
    let [settings] = &page[..] else {
        panic!("the page has other settings: {page:?}");
    };
    let cluster = Cluster::with(&[PRELOADED]);
    let mut shards = ["shop_1", "shop_2"].map(|name| {
        let mut session = cluster.database(name).connect();
        let filled = Filled::new(&mut session, "shop", "django_sessions");
        (session, filled)
    });
    cluster.add_lines(&settings.text);
    cluster.reload(&[SOON]);
    for (session, filled) in &mut shards {
        wait_until("the worker clears the table", || filled.is_cleared(session));
    }
}

#[test]
fn a_replica_is_quiet_and_goes_on_when_it_is_promoted() {
    let page = Page::named("replicas").blocks();
    let [settings, status, preview] = &page[..] else {
        panic!("the page has other blocks: {page:?}");
    };
    let mut primary = Cluster::with(&[PRELOADED]);
    let mut session = primary.database("app").connect();
    let mut filled = Filled::new(&mut session, "site", "django_sessions");
    session.run("ALTER DATABASE app SET search_path = site, public");
    primary.add_lines(&settings.text);
    let standby = primary.standby();
    primary.reload(&[SOON]);
    wait_until("the primary's worker clears the table", || {
        filled.is_cleared(&mut session)
    });
    primary.wait_for_replay(&standby);
    let mut there = standby.connect_to("app");
    assert!(filled.is_cleared(&mut there), "by the WAL");

    primary.pause(&mut session);
    filled.expire(&mut session);
    primary.wait_for_replay(&standby);
    assert_eq!(there.launcher(), None);
    assert!(standby.psql("app", &status.text).contains("promoted"));
    assert_eq!(standby.psql("app", &preview.text).trim(), "2");
    assert_eq!(
        there.refused("SELECT raw_clear_sessions('django_session')"),
        "25006"
    );
    drop(session);
    primary.stop(Shutdown::Immediate);

    standby.promote();
    standby.reload(&[SOON]);
    wait_until("the promoted standby's worker clears the table", || {
        filled.is_cleared(&mut there)
    });
    let after = standby.psql("app", &status.text);
    assert!(!after.contains("promoted"), "{after}");
}

#[test]
fn plain_sql_clears_a_table_where_the_extension_cannot_be_installed() {
    let cluster = Cluster::shared();
    let mut session = cluster.bare_database("managed").connect();
    let page = Page::named("managed-services").blocks();
    let [available, procedure, calls @ ..] = &page[..] else {
        panic!("the page has other blocks: {page:?}");
    };
    assert!(
        cluster
            .psql("managed", &available.text)
            .starts_with("raw_clear_sessions|")
    );
    cluster.psql("managed", &procedure.text);
    assert!(calls.len() > 3);
    for call in calls {
        let [table] = &call.tables[..] else {
            panic!("{}: for what?", call.place());
        };
        let filled = Filled::new(&mut session, table, table);
        let start =
            format!("SET search_path = {table}, public; SET timezone = 'America/New_York';");
        cluster.psql("managed", &format!("{start}\n{}", call.text));
        let state = filled.state(&mut session);
        assert!(
            filled.is_cleared(&mut session),
            "{} left {state}",
            call.place()
        );
    }
}

#[test]
fn plain_sql_skips_rows_that_are_being_changed_and_commits_in_between() {
    let cluster = Cluster::shared();
    let database = cluster.bare_database("managed_rows");
    let mut session = database.connect();
    let page = Page::named("managed-services").blocks();
    let (procedure, call) = (&page[1], &page[2]);
    create_sessions(&mut session, "django_session", 30_000, 10);
    let pages = session.number("SELECT pg_relation_size('django_session') / 8192");
    assert!(pages > 200, "more than two ranges: {pages}");
    cluster.psql("managed_rows", &procedure.text);
    let mut visitor = database.connect();
    visitor.run("BEGIN; UPDATE django_session SET expire_date = now() + interval '1 hour' WHERE session_key = 'key2'");
    let transaction =
        |session: &mut Session| session.number("SELECT pg_current_xact_id()::text::bigint");
    let before = transaction(&mut session);
    assert_eq!(cluster.psql("managed_rows", &call.text).trim(), "26999");
    let used = transaction(&mut session) - before - 1;
    assert!(used > pages / 100, "{used} transactions for {pages} pages");
    visitor.run("COMMIT");
    assert_eq!(session.count("django_session"), 3001);
    assert_eq!(cluster.psql("managed_rows", &call.text).trim(), "0");
}
