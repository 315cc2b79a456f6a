//! What surrounds the worker does not stop it: settings of databases and roles, others' open transactions. What does stop it is told.

use cluster::{
    Cluster, FAST, SLOW, Session, Shutdown, add_expired, create_sessions, pause, resume, wait_until,
};

fn with_sessions(cluster: &Cluster, name: &str) -> Session {
    let mut session = cluster.database(name).connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    session
}

/// Settings each of which, as a database's or a role's, would stop a worker that relied on its default.
const HOSTILE: [(&str, &str); 12] = [
    ("role", "nobody"),
    ("session_authorization", "nobody"),
    ("default_transaction_read_only", "on"),
    ("default_transaction_isolation", "serializable"),
    ("statement_timeout", "1"),
    ("lock_timeout", "1"),
    ("idle_in_transaction_session_timeout", "1"),
    ("search_path", "nowhere"),
    ("row_security", "off"),
    ("exit_on_error", "on"),
    ("standard_conforming_strings", "off"),
    ("intervalstyle", "sql_standard"),
];

#[test]
fn settings_of_a_database_or_a_role_do_not_stop_the_worker() {
    let cluster = Cluster::with_worker("*", &[("raw_clear_sessions.paused", "on")]);
    let mut sessions = vec![with_sessions(&cluster, "all_at_once")];
    let mut postgres = cluster.connect();
    postgres.run("CREATE ROLE nobody");
    let version = postgres.number("SELECT current_setting('server_version_num')::bigint");
    for (number, (name, value)) in HOSTILE.into_iter().enumerate() {
        // PostgreSQL 19 refuses it.
        if name == "standard_conforming_strings" && version >= 190_000 {
            continue;
        }
        let database = format!("setting{number}");
        let mut session = with_sessions(&cluster, &database);
        // An interval in each format, and a rule that row security without a policy for it would refuse.
        session.run(
            "SELECT raw_clear_sessions_schedule('django_session', '1 s', keep => '1 day 2 hours', max_duration => '1 h')",
        );
        sessions.push(session);
        for database in [&database, "all_at_once"] {
            postgres.run(&format!("ALTER DATABASE {database} SET {name} = '{value}'"));
        }
    }
    if version >= 170_000 {
        postgres.run("ALTER DATABASE all_at_once SET transaction_timeout = 1");
    }
    postgres.run("ALTER ROLE postgres SET role = nobody");
    cluster.reload(&[
        ("default_transaction_read_only", "on"),
        ("raw_clear_sessions.paused", "off"),
    ]);
    for session in &mut sessions {
        session.wait_for_count("django_session", 100);
    }
    assert_eq!(cluster.logged("ERROR"), 0);
}

/// Each setting is the database's, and one by which the rule would have the row go.
#[test]
fn what_a_policy_makes_texts_of_does_not_change_with_the_formats_of_a_database() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.tables", "")]);
    let mut session = cluster.database("app").connect();
    for (setting, value, rule) in [
        ("bytea_output", "escape", r"bytes::text <> '\x4142'"),
        (
            "extra_float_digits",
            "-3",
            "number::text <> '0.3333333333333333'",
        ),
        ("intervalstyle", "iso_8601", "age::text <> '1 day'"),
        (
            "xmlbinary",
            "hex",
            "xmlelement(name a, bytes)::text <> '<a>QUI=</a>'",
        ),
    ] {
        session.run(&format!("ALTER DATABASE app SET {setting} = '{value}'"));
        session.run(&format!(
            "CREATE TABLE {setting} (expires_at timestamptz, bytes bytea, number double precision, age interval);
             INSERT INTO {setting} VALUES ('2020-01-01', 'AB', 1.0 / 3, '1 day'), ('2020-01-01', 'C', 2, '2 days');
             SELECT raw_clear_sessions_schedule('{setting}', '1 s', expires => 'expires_at', keep => '0', filter => $${rule}$${})",
            if ["xmlbinary", "intervalstyle"].contains(&setting) { ", time_zone => 'UTC'" } else { "" }
        ));
    }
    for setting in [
        "bytea_output",
        "extra_float_digits",
        "intervalstyle",
        "xmlbinary",
    ] {
        // The first run may be a process's that was there before the setting.
        session.wait_for_ends(setting, 2);
        assert_eq!(session.count(setting), 1);
        assert_eq!(session.runs("stop <> 'done'"), 0);
        assert_eq!(session.count(&format!("{setting} WHERE bytes = 'AB'")), 1);
    }
}

#[test]
fn triggers_fire_for_the_worker_though_a_database_says_that_they_do_not() {
    let cluster = Cluster::with_worker("*", &[("raw_clear_sessions.paused", "on")]);
    let mut session = with_sessions(&cluster, "app");
    session.run(
        "CREATE TABLE archive (LIKE django_session);
         CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN INSERT INTO public.archive SELECT OLD.*; RETURN OLD; END$$;
         CREATE TRIGGER t BEFORE DELETE ON django_session FOR EACH ROW EXECUTE FUNCTION keep();
         ALTER DATABASE app SET session_replication_role = replica",
    );
    cluster.reload(&[("raw_clear_sessions.paused", "off")]);
    session.wait_for_count("django_session", 100);
    assert_eq!(session.count("archive"), 900);
}

#[test]
fn what_the_worker_runs_is_read_isolated_and_ended_by_postgresqls_defaults() {
    let cluster = Cluster::with_worker("*", &[("raw_clear_sessions.tables", "")]);
    let mut session = with_sessions(&cluster, "app");
    create_sessions(&mut session, "broken", 10, 10);
    // PostgreSQL 19 refuses it.
    if session.yes("SELECT current_setting('server_version_num')::integer < 190000") {
        session.run("ALTER DATABASE app SET standard_conforming_strings = off");
    }
    session.run(
        "CREATE TABLE isolation (level text);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN INSERT INTO public.isolation VALUES (current_setting('transaction_isolation')); RETURN OLD; END$$;
         CREATE TRIGGER t BEFORE DELETE ON django_session FOR EACH ROW EXECUTE FUNCTION note();
         CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'not today'; END$$;
         CREATE TRIGGER t BEFORE DELETE ON broken FOR EACH ROW EXECUTE FUNCTION no();
         ALTER DATABASE app SET default_transaction_isolation = serializable;
         ALTER DATABASE app SET exit_on_error = on;
         SELECT raw_clear_sessions_schedule('broken', '1 s');
         SELECT raw_clear_sessions_schedule('django_session', '1 s', filter => 'strpos(session_key, ''\\'') = 0')",
    );
    session.wait_for_run("stop = 'left_out' AND \"table\" = 'broken'::regclass");
    session.wait_for_count("django_session", 100);
    assert_eq!(
        session.count("isolation WHERE level = 'read committed'"),
        900
    );
}

#[test]
fn a_table_under_row_security_is_cleared_though_a_database_turns_that_off() {
    let cluster = Cluster::with_worker("*", &[("raw_clear_sessions.paused", "on")]);
    let mut session = with_sessions(&cluster, "app");
    session.run(
        "CREATE ROLE tenant;
         ALTER TABLE django_session OWNER TO tenant;
         ALTER TABLE django_session ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
         CREATE POLICY everything ON django_session USING (true);
         ALTER DATABASE app SET row_security = off",
    );
    cluster.reload(&[("raw_clear_sessions.paused", "off")]);
    session.wait_for_count("django_session", 100);
}

#[test]
fn a_condition_means_to_the_worker_what_it_was_checked_as_whatever_a_database_says() {
    let cluster = Cluster::with_worker("*", &[("raw_clear_sessions.tables", "")]);
    let mut session = with_sessions(&cluster, "app");
    create_sessions(&mut session, "witness", 100, 10);
    session.run(
        "ALTER DATABASE app SET transform_null_equals = on;
         SELECT raw_clear_sessions_schedule('django_session', '1 s', filter => 'nullif(session_key, ''key2'') = NULL'),
             raw_clear_sessions_schedule('witness', '1 s')",
    );
    session.wait_for_ends("django_session", 1);
    session.wait_for_count("witness", 10);
    assert_eq!(session.count("django_session"), 1000);
}

#[test]
fn a_text_without_a_zone_is_the_same_instant_to_the_worker_as_to_whoever_made_the_policy() {
    let cluster = Cluster::with_worker("*", &[("raw_clear_sessions.tables", "")]);
    let mut session = with_sessions(&cluster, "app");
    // Each hour of the days around now, on the clock of Kiritimati, which is fourteen hours before that of Greenwich.
    session.run(
        "CREATE TABLE ticket (hours integer, until text);
         INSERT INTO ticket SELECT n, to_char(now() AT TIME ZONE 'Pacific/Kiritimati' + n * interval '1 hour', 'YYYY-MM-DD HH24:MI:SS')
         FROM generate_series(-30, 30) AS n WHERE n <> 0;
         ALTER DATABASE app SET timezone = 'Etc/GMT+12';
         ALTER DATABASE app SET datestyle = 'German';
         SELECT raw_clear_sessions_schedule('ticket', '1 s', expires => 'until::timestamptz', keep => '0',
             time_zone => 'Pacific/Kiritimati', batch_size => 7)",
    );
    session.wait_for_count("ticket", 30);
    session.wait_for_ends("ticket", 2);
    assert_eq!(session.count("ticket WHERE hours > 0"), 30);
}

#[test]
fn an_error_before_the_first_table_is_in_the_status_and_an_error_in_the_log() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.paused", "on")]);
    let mut session = with_sessions(&cluster, "app");
    let off = "SELECT coalesce(raw_clear_sessions.worker_off(), '')";
    session.run(
        "CREATE ROLE somebody; GRANT CREATE ON SCHEMA raw_clear_sessions TO somebody;
         ALTER TABLE raw_clear_sessions.policy OWNER TO somebody",
    );
    cluster.reload(&[("raw_clear_sessions.paused", "off")]);
    wait_until("the failure is told", || {
        session
            .text(off)
            .starts_with("the worker fails in this database: 55000: ")
    });
    let notes = "SELECT count(*) FROM raw_clear_sessions.status WHERE note LIKE 'the worker fails in this database%'";
    assert!(session.number(notes) > 0);
    // Not by its schedule, which has it due each second, but when the worker comes again.
    wait_until("the status says when, and what for", || {
        session.yes(
            "SELECT next_start > now() + interval '30 s' AND waits_for LIKE 'the next try of the worker%'
             FROM raw_clear_sessions.status WHERE \"table\" = 'django_session'::regclass",
        )
    });
    cluster.wait_for_log("CONTEXT:  automatic clearing of database \"app\"");
    assert!(cluster.logged("ERROR:  the tables of extension") > 0);
    assert_eq!(session.count("django_session"), 1000);

    session.run(
        "ALTER TABLE raw_clear_sessions.policy OWNER TO postgres;
         SELECT raw_clear_sessions_schedule('django_session')",
    );
    session.wait_for_count("django_session", 100);
    wait_until("nothing is told any more", || session.text(off).is_empty());
    assert_eq!(
        session.count("raw_clear_sessions.status WHERE waits_for LIKE 'the next try%'"),
        0
    );
}

/// What an error says is no fact.
#[test]
fn an_error_that_speaks_of_a_missing_extension_is_an_error() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = with_sessions(&cluster, "app");
    session.run(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN RAISE 'extension \"raw_clear_sessions\" is not installed'; END$$;
         CREATE TRIGGER no BEFORE UPDATE ON raw_clear_sessions.history FOR EACH ROW EXECUTE FUNCTION no();
         ALTER TABLE raw_clear_sessions.history ENABLE ALWAYS TRIGGER no;
         SELECT raw_clear_sessions_run_now('django_session')",
    );
    wait_until("the failure is told", || {
        let off = session.text("SELECT coalesce(raw_clear_sessions.worker_off(), '')");
        off.starts_with("the worker fails in this database: P0001: extension")
    });
    assert_eq!(cluster.logged("has no extension"), 0);
}

#[test]
fn an_open_transaction_of_one_owner_does_not_delay_the_tables_of_others() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.lock_timeout", "100ms")]);
    let mut session = with_sessions(&cluster, "app");
    session.run(
        "CREATE TABLE orphan (LIKE django_session);
         SELECT raw_clear_sessions_schedule('orphan', '1 h', expires => 'expire_date')",
    );
    session.wait_for_count("django_session", 100);
    let mut owner = cluster.connect_to("app");
    owner.run("BEGIN; SELECT raw_clear_sessions_unschedule('orphan')");
    session.run("DROP TABLE orphan");
    for _ in 0..3 {
        add_expired(&mut session, "django_session", 10);
        session.wait_for_count("django_session", 100);
    }
    assert_eq!(cluster.logged("ERROR"), 0);
    owner.run("ROLLBACK");
    wait_until("the policy of the dropped table is gone", || {
        session.count("raw_clear_sessions.policy") == 0
    });
}

#[test]
fn an_open_transaction_that_asks_for_a_run_delays_neither_the_tables_of_others_nor_what_is_told_of_them()
 {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.lock_timeout", "100ms")]);
    let mut session = with_sessions(&cluster, "app");
    session.run(
        "CREATE TABLE asked (LIKE django_session);
         SELECT raw_clear_sessions_schedule('asked', '1 s', expires => 'expire_date')",
    );
    session.wait_for_ends("asked", 1);
    let mut owner = cluster.connect_to("app");
    owner.run("BEGIN; SELECT raw_clear_sessions_run_now('asked')");
    for _ in 0..3 {
        session.wait_for_ends("django_session", 2);
        add_expired(&mut session, "django_session", 10);
        session.wait_for_count("django_session", 100);
    }
    assert_eq!(cluster.logged("ERROR"), 0);
    owner.run("COMMIT");
    session.wait_for_ends("asked", 1);
}

#[test]
fn log_lines_name_the_database_and_failures_are_errors() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.log_min_duration", "0")]);
    let mut session = with_sessions(&cluster, "app");
    session.run(
        "CREATE TABLE broken (LIKE django_session);
         INSERT INTO broken SELECT gen_random_uuid(), '', '2001-01-01' FROM generate_series(1, 10);
         CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN RAISE EXCEPTION 'not today' USING ERRCODE = '22012', DETAIL = repeat('x', 1000000); END$$;
         CREATE TRIGGER t BEFORE DELETE ON broken FOR EACH STATEMENT EXECUTE FUNCTION no();
         SELECT raw_clear_sessions_schedule('broken', '1 s', expires => 'expire_date')",
    );
    cluster.wait_for_log(
        "LOG:  automatic clearing of table \"app.public.django_session\": deleted 900 rows",
    );
    cluster.wait_for_log("ERROR:  could not delete 10 expired rows of table \"broken\"");
    cluster.wait_for_log("CONTEXT:  automatic clearing of table \"app.public.broken\"");
    assert!(
        cluster.log().len() < 100_000,
        "what a trigger says does not fill the disk"
    );
}

#[test]
fn a_database_taken_out_of_the_list_is_cleared_no_further() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = with_sessions(&cluster, "app");
    session.wait_for_busy_worker("django_session");
    cluster.reload(&[("raw_clear_sessions.databases", "")]);
    session.wait_for_run("stop = 'unscheduled'");
    wait_until("the worker has ended", || session.workers().is_empty());
    assert!(session.count("django_session") > 100);
    cluster.reload(&[("raw_clear_sessions.databases", "another")]);
    wait_until("the status says why", || {
        let note = session.text("SELECT coalesce(max(note), '') FROM raw_clear_sessions.status");
        note.contains("the worker does not work in this database")
            && note.contains("Add \"app\" to")
    });
}

/// The run of a database that waits for its turn while another one has the only worker.
fn put_aside(settings: &[(&str, &str)]) -> (Cluster, Session, Session) {
    let mut all = SLOW.to_vec();
    all.extend([
        ("raw_clear_sessions.max_workers", "1"),
        ("raw_clear_sessions.lock_timeout", "1min"),
    ]);
    all.extend(settings);
    let cluster = Cluster::with_worker("app, other", &all);
    let mut session = with_sessions(&cluster, "app");
    session.wait_for_busy_worker("django_session");
    let mut other = cluster.database("other").connect();
    create_sessions(&mut other, "waits", 10, 10);
    other.run(
        "CREATE FUNCTION waits() RETURNS boolean LANGUAGE plpgsql STABLE AS
             $$BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN true; END$$;
         SELECT pg_advisory_lock(1);
         SELECT raw_clear_sessions_schedule('waits', '1 s', filter => 'public.waits()')",
    );
    wait_until("the run is put aside", || {
        session.count("raw_clear_sessions.history WHERE aside IS NOT NULL") == 1
            && other.count("pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1
    });
    (cluster, session, other)
}

/// Nothing of the run goes on, and it is not open for ever.
fn assert_unscheduled(session: &mut Session) {
    let left = session.count("django_session");
    session.wait_for_run("stop = 'unscheduled' AND deleted > 0");
    assert_eq!(session.runs("ended IS NULL"), 0);
    assert_eq!(session.count("django_session"), left);
}

#[test]
fn a_database_taken_out_of_the_list_while_its_run_is_put_aside_has_that_ended() {
    for databases in ["other", ""] {
        let (cluster, mut session, mut other) = put_aside(&[]);
        cluster.reload(&[("raw_clear_sessions.databases", databases)]);
        other.run("SELECT pg_advisory_unlock(1)");
        assert_unscheduled(&mut session);
        // Once, and no worker comes again.
        wait_until("the worker has ended", || session.workers().is_empty());
    }
}

#[test]
fn a_run_that_is_put_aside_is_ended_where_the_server_starts_without_its_database() {
    let (mut cluster, session, other) = put_aside(&[]);
    drop((session, other));
    cluster.stop(Shutdown::Fast);
    cluster.set(&[("raw_clear_sessions.databases", "other")]);
    cluster.start();
    assert_unscheduled(&mut cluster.connect_to("app"));
}

/// Whose database it is may make the limits of its runs stricter, and takes none of the administrator's away.
#[test]
fn what_a_database_says_of_the_limits_of_runs_counts_where_it_is_stricter() {
    let settings = [
        SLOW[0],
        SLOW[1],
        SLOW[2],
        ("raw_clear_sessions.max_run_time", "2"),
        ("raw_clear_sessions.paused", "on"),
    ];
    let cluster = Cluster::with_worker("app", &settings);
    let mut session = with_sessions(&cluster, "app");
    session.run("CREATE ROLE owner LOGIN; ALTER DATABASE app OWNER TO owner");
    let mut owner = cluster.existing_database("app").connect_as("owner");
    owner.run(
        "ALTER DATABASE app SET raw_clear_sessions.max_run_time = 0;
         ALTER DATABASE app SET raw_clear_sessions.cost_delay = 0;
         ALTER DATABASE app SET raw_clear_sessions.cost_limit = 0",
    );
    cluster.reload(&[("raw_clear_sessions.paused", "off")]);
    session.wait_for_run("stop IS NOT NULL");
    assert_eq!(session.runs("stop = 'done'"), 0);
    assert_eq!(session.runs("stop = 'max_duration'"), 1);

    // A worker that has connected before does not know of it.
    cluster.pause(&mut session);
    owner.run("ALTER DATABASE app SET raw_clear_sessions.max_run_time = '1ms'");
    // A page costs a tenth of a second, or the whole run could be over by then.
    cluster.reload(&[
        ("raw_clear_sessions.max_run_time", "0"),
        ("raw_clear_sessions.paused", "off"),
    ]);
    // A machine that takes half a second for the first batch has deleted nothing by then.
    session.wait_for_run(
        "stop = 'max_duration' AND (details ->> 'elapsed_ms')::integer < 1900
         OR stop = 'failed' AND error LIKE '%time was over before%'",
    );
    owner.run("ALTER DATABASE app RESET raw_clear_sessions.max_run_time");
    cluster.reload(&FAST);
    session.wait_for_count("django_session", 100);
}

#[test]
fn a_run_sees_by_itself_that_its_database_is_no_longer_listed() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = with_sessions(&cluster, "app");
    session.wait_for_busy_worker("django_session");
    let launcher = session.wait_for_launcher();
    assert!(pause(launcher));
    cluster.reload(&[("raw_clear_sessions.databases", "")]);
    session.wait_for_run("stop = 'unscheduled'");
    assert!(resume(launcher));
    assert!(session.count("django_session") > 100);
}

#[test]
fn rows_that_row_security_hides_from_the_owner_do_not_count_as_cleared() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    session.run("CREATE ROLE tenant");
    create_sessions(&mut session, "sessions", 1000, 10);
    session.run(
        "ALTER TABLE sessions OWNER TO tenant;
         ALTER TABLE sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
         CREATE POLICY own ON sessions USING (session_key = 'key2');
         SELECT raw_clear_sessions_schedule('sessions', '1 s')",
    );
    session.wait_for_run("stop = 'hidden' AND deleted = 1");
    let known = "SELECT concat_ws(' ', last_deleted, expired_left, cleared_until, last_success) FROM raw_clear_sessions.status
         WHERE \"table\" = 'sessions'::regclass AND last_stop = 'hidden'";
    wait_until("a run has seen nothing", || session.texts(known) == ["0"]);
    assert_eq!(session.count("sessions"), 999);
    // It is told, until a policy shows the owner all rows.
    let told = "SELECT count(*) FROM raw_clear_sessions.status WHERE note LIKE 'row-level security hides rows%'";
    assert_eq!(session.number(told), 1);
    session.run("CREATE POLICY sees ON sessions FOR SELECT TO tenant USING (true)");
    assert_eq!(session.number(told), 1);
    session.run("CREATE POLICY clears ON sessions FOR DELETE TO tenant USING (true)");
    assert_eq!(session.number(told), 0);
    session.wait_for_count("sessions", 100);
    wait_until("what is cleared is known", || {
        session.yes(
            "SELECT cleared_until IS NOT NULL AND expired_left = 0 FROM raw_clear_sessions.status WHERE \"table\" = 'sessions'::regclass",
        )
    });
    session.run("CREATE POLICY restricts ON sessions AS RESTRICTIVE USING (session_key <> 'key3')");
    assert_eq!(session.number(told), 1);
    // What had been known of it is not any more.
    wait_until("a run has seen less", || session.texts(known).len() == 1);
    assert!(session.yes(
        "SELECT cleared_until IS NULL AND last_success < last_start FROM raw_clear_sessions.status WHERE \"table\" = 'sessions'::regclass",
    ));
}

/// As where no transaction id is given out any more, or a disk is full: the tables stay due, and the worker does not try without end.
#[test]
fn a_worker_that_cannot_count_its_runs_backs_off() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.tables", "")]);
    let mut session = cluster.database("app").connect();
    for table in ["first", "second"] {
        create_sessions(&mut session, table, 10, 1);
        session.run(&format!(
            "SELECT raw_clear_sessions_schedule('{table}', '1 s', expires => 'expire_date', keep => '0')"
        ));
        session.wait_for_ends(table, 1);
    }
    // Also where it is not told.
    for (code, error, schedule) in [
        (
            "RAISE 'nothing is written'",
            "P0001: nothing is written%",
            "10 s",
        ),
        (
            "RETURN NULL",
            "27000: a trigger or a rule has kept a row from table raw_clear_sessions.state%",
            "20 s",
        ),
    ] {
        session.run(&format!(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {code}; END $$;
             CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON raw_clear_sessions.state FOR EACH ROW EXECUTE FUNCTION fail();
             ALTER TABLE raw_clear_sessions.state ENABLE ALWAYS TRIGGER fail",
        ));
        wait_until("the worker backs off", || {
            session.yes(&format!(
                "SELECT bool_and(next_start > now() + interval '20 s' AND note LIKE 'the worker fails in this database: {error}')
                 FROM raw_clear_sessions.status",
            ))
        });
        session.run("DROP FUNCTION fail CASCADE");
        cluster.reload(&[("raw_clear_sessions.schedule", schedule)]);
        session.wait_for_ends("first", 1);
    }
}

/// The runs cannot be told of, and are failures all the same: a table whose rows cannot be deleted for that is left alone for as
/// long as any other that fails.
#[test]
fn a_worker_that_cannot_write_its_history_counts_its_runs_as_failed() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.tables", "")]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "first", 10, 1);
    session.run(
        "SELECT raw_clear_sessions_schedule('first', '1 s', expires => 'expire_date', keep => '0')",
    );
    session.wait_for_count("first", 0);
    for (code, error) in [
        ("RAISE 'nothing is written'", "nothing is written"),
        (
            "RETURN NULL",
            "a trigger or a rule has kept a row from table raw_clear_sessions.history",
        ),
    ] {
        session.run(&format!(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {code}; END $$;
             CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON raw_clear_sessions.history FOR EACH ROW EXECUTE FUNCTION fail();
             ALTER TABLE raw_clear_sessions.history ENABLE ALWAYS TRIGGER fail"
        ));
        add_expired(&mut session, "first", 10);
        wait_until("the failure is known, and the table left alone", || {
            session.yes(&format!(
                "SELECT failures > 0 AND last_error = '{error}' AND next_start > now() + interval '20 s' FROM raw_clear_sessions.status"
            ))
        });
        assert_eq!(session.count("first"), 10);
        session.run("DROP FUNCTION fail CASCADE; SELECT raw_clear_sessions_run_now('first')");
        session.wait_for_count("first", 0);
    }
}
