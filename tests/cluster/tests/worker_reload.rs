//! A reload of postgresql.conf applies to the worker at once, whether it sleeps or is busy, and keeps what was in force
//! where the new value is none.

use cluster::{Cluster, FAST, SLOW, Session, Shutdown, add_expired, create_sessions, wait_until};

fn sessions(cluster: &Cluster) -> Session {
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    session
}

/// Waits until an instant has passed at which the worker would have begun, had it kept to a schedule of one second.
fn wait_until_due_in_vain(session: &mut Session) {
    let start = session.text("SELECT clock_timestamp()::text");
    wait_until("three seconds have passed on the server's clock", || {
        session.yes(&format!(
            "SELECT clock_timestamp() > '{start}'::timestamptz + interval '3 s'"
        ))
    });
}

#[test]
fn a_new_schedule_and_new_tables_apply_while_the_worker_sleeps() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.schedule", "1 hour")]);
    let mut session = sessions(&cluster);
    create_sessions(&mut session, "other_session", 1000, 10);
    cluster.reload(&[("raw_clear_sessions.schedule", "2 hours")]);
    session.wait_for_count("django_session", 100);
    add_expired(&mut session, "django_session", 10);

    cluster.reload(&[("raw_clear_sessions.schedule", "1 s")]);
    session.wait_for_count("django_session", 100);
    assert_eq!(session.count("other_session"), 1000);

    cluster.reload(&[("raw_clear_sessions.tables", "django_session, other_session")]);
    session.wait_for_count("other_session", 100);

    cluster.reload(&[("raw_clear_sessions.tables", "other_session")]);
    session.wait_for_launcher();
    add_expired(&mut session, "other_session", 10);
    session.wait_for_count("other_session", 100);
    add_expired(&mut session, "django_session", 10);
    add_expired(&mut session, "other_session", 10);
    session.wait_for_count("other_session", 100);
    assert_eq!(session.count("django_session"), 110);

    cluster.reload(&[("raw_clear_sessions.databases", "")]);
    wait_until("the worker is off", || {
        let note: Option<String> =
            session.value("SELECT note FROM raw_clear_sessions.status WHERE \"table\" IS NOT NULL");
        note.is_some_and(|note| note.contains("raw_clear_sessions.databases"))
    });
    wait_until("no database worker is left", || {
        session.workers().is_empty()
    });
    let runs = session.all_ended_runs();
    wait_until_due_in_vain(&mut session);
    assert_eq!(session.all_ended_runs(), runs);
}

#[test]
fn a_table_of_a_database_that_is_not_listed_is_never_due() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = sessions(&cluster);
    session.wait_for_count("django_session", 100);
    let is_due = "SELECT next_start IS NOT NULL FROM raw_clear_sessions.status WHERE \"table\" = 'django_session'::regclass";
    assert!(session.yes(is_due));
    for databases in ["elsewhere", ""] {
        cluster.reload(&[("raw_clear_sessions.databases", databases)]);
        wait_until("it is not due any more", || !session.yes(is_due));
        cluster.reload(&[("raw_clear_sessions.databases", "app")]);
        wait_until("it is due again", || session.yes(is_due));
    }
}

#[test]
fn a_new_pace_applies_to_the_run_that_is_busy() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = sessions(&cluster);
    session.wait_for_busy_worker("django_session");
    cluster.reload(&FAST);
    session.wait_for_count("django_session", 100);
    wait_until("the run has ended", || {
        session.runs("stop = 'done' AND deleted = 900") == 1
    });
    assert_eq!(session.runs("stop <> 'done'"), 0);

    // And the other way round, with a run of many transactions.
    cluster.reload(&[("raw_clear_sessions.batch_size", "1")]);
    add_expired(&mut session, "django_session", 200_000);
    wait_until("the worker is at it", || {
        session.count("raw_clear_sessions.progress WHERE batches BETWEEN 2 AND 100000") > 0
    });
    cluster.reload(&SLOW[1..]);
    session.wait_for_busy_worker("django_session");
    assert!(session.count("django_session") > 100);
    let shown = session.text("SELECT pid || ' ' || phase FROM raw_clear_sessions.progress");
    assert!(shown.contains("scanning"), "{shown}");
}

#[test]
fn a_replaced_policy_applies_to_the_run_that_is_busy() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = sessions(&cluster);
    session.wait_for_busy_worker("django_session");
    session.run("SELECT raw_clear_sessions_schedule('django_session', keep => '1000 years')");
    let left = session.count("django_session");
    cluster.reload(&FAST);
    session.wait_for_run("stop = 'done'");
    // One batch may have been under way: a block of about 130 rows.
    let kept = session.count("django_session");
    assert!(kept + 150 > left && left > 400, "{kept} of {left}");
}

#[test]
fn a_policy_replaced_while_the_table_is_waited_for_applies_to_the_run_that_waits() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.lock_timeout", "1min")]);
    let database = cluster.database("app");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 0, 10);
    session.run("BEGIN; LOCK TABLE django_session");
    add_expired(&mut session, "django_session", 1000);
    database.connect().wait_for_lock_on("django_session");
    session.run(
        "SELECT raw_clear_sessions_schedule('django_session', '1 s', keep => '1000 years'); COMMIT",
    );
    session.wait_for_ends("django_session", 1);
    assert_eq!(session.count("django_session"), 1000);
}

/// What comes to be under the lock is refused by what the run began with, and not by the policy that comes with it.
#[test]
fn what_a_policy_would_have_failed_by_does_not_count_for_what_comes_after_it() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.lock_timeout", "1min")]);
    let database = cluster.database("app");
    let mut session = database.connect();
    let archive = |table: &str| {
        format!(
            "CREATE TABLE {table}_archive () INHERITS ({table});
             INSERT INTO {table}_archive VALUES ('kept', '', '2020-01-01')"
        )
    };
    create_sessions(&mut session, "django_session", 0, 10);
    session.run("BEGIN; LOCK TABLE django_session");
    add_expired(&mut session, "django_session", 1000);
    database.connect().wait_for_lock_on("django_session");
    session.run(&archive("django_session"));
    session.run(
        "SELECT raw_clear_sessions_schedule('django_session', '1 s', filter => 'tableoid NOT IN (''public.django_session_archive''::regclass)');
         COMMIT",
    );
    session.wait_for_count("django_session", 1);
    let failures = "SELECT failures FROM raw_clear_sessions.status WHERE \"table\" = 'django_session'::regclass";
    assert_eq!(session.value::<i64>(failures), 0);
    assert_eq!(session.runs("stop = 'failed'"), 0);

    // Nothing comes after it.
    create_sessions(&mut session, "sessions", 0, 10);
    session.run("SELECT raw_clear_sessions_schedule('sessions', '1 h')");
    session.run("BEGIN; LOCK TABLE sessions");
    add_expired(&mut session, "sessions", 1000);
    database
        .connect()
        .run("SELECT raw_clear_sessions_run_now('sessions')");
    database.connect().wait_for_lock_on("sessions");
    session.run(&archive("sessions"));
    session.run("SELECT raw_clear_sessions_unschedule('sessions'); COMMIT");
    session.wait_for_run(
        "\"table\" = 'sessions'::regclass AND stop = 'unscheduled' AND error IS NULL",
    );
    assert_eq!(session.count("sessions"), 1001);
}

#[test]
fn a_policy_that_is_suspended_ends_the_run_that_is_busy() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = sessions(&cluster);
    session.run("SELECT raw_clear_sessions_schedule('django_session')");
    session.wait_for_busy_worker("django_session");
    session.run("SELECT raw_clear_sessions_suspend('django_session')");
    session.wait_for_run("stop = 'unscheduled' AND ended IS NOT NULL");
    wait_until_due_in_vain(&mut session);
    wait_until("no worker is left", || session.workers().is_empty());
    assert!(session.count("django_session") > 100);
}

/// A batch of a tenth of a second, and a sleep of many seconds after it.
const SLEEPY: [(&str, &str); 3] = [
    ("raw_clear_sessions.cost_delay", "100"),
    ("raw_clear_sessions.cost_limit", "2"),
    ("raw_clear_sessions.tables", ""),
];

#[test]
fn no_batch_begins_after_a_run_has_been_told_to_end() {
    let cluster = Cluster::with_worker("app", &SLEEPY);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 100_000, 10);
    let scheduled =
        "SELECT raw_clear_sessions_schedule('django_session', '1 h', batch_size => 5000)";
    for (told, stop) in [
        (
            "SELECT raw_clear_sessions_suspend('django_session')",
            "unscheduled",
        ),
        (
            "SELECT raw_clear_sessions_unschedule('django_session')",
            "unscheduled",
        ),
        (
            "SELECT raw_clear_sessions_cancel('django_session')",
            "canceled",
        ),
        ("ALTER SYSTEM SET raw_clear_sessions.paused = on", "paused"),
    ] {
        session.run(scheduled);
        session.run("SELECT raw_clear_sessions_resume('django_session'), raw_clear_sessions_run_now('django_session')");
        // It shows that it sleeps a moment before its batch is committed.
        let before = session.count("django_session");
        let sleeps = "raw_clear_sessions.progress WHERE waiting = 'cost delay'";
        wait_until("the run sleeps", || {
            session.count("django_session") < before && session.count(sleeps) > 0
        });
        session.run(told);
        let left = session.count("django_session");
        assert!(left > 15_000, "{left}");
        session.run("SELECT pg_reload_conf()");
        session.wait_for_run(&format!("stop = '{stop}' AND ended IS NOT NULL AND id = (SELECT max(id) FROM raw_clear_sessions.run)"));
        assert_eq!(session.count("django_session"), left, "{told}");
    }
}

#[test]
fn what_a_savepoint_or_another_call_takes_back_ends_no_run() {
    let cluster = Cluster::with_worker(
        "app",
        &[
            SLOW[0],
            ("raw_clear_sessions.cost_delay", "10"),
            SLOW[2],
            ("raw_clear_sessions.tables", ""),
        ],
    );
    let mut session = sessions(&cluster);
    session.run("SELECT raw_clear_sessions_schedule('django_session')");
    for taken_back in [
        "SAVEPOINT s; SELECT raw_clear_sessions_suspend('django_session'); ROLLBACK TO s",
        "SAVEPOINT s; SELECT raw_clear_sessions_unschedule('django_session'); ROLLBACK TO s",
        "SAVEPOINT s; SELECT raw_clear_sessions_schedule('django_session', keep => '100 years'); ROLLBACK TO s",
        "SELECT raw_clear_sessions_suspend('django_session'); SELECT raw_clear_sessions_resume('django_session')",
        "SELECT raw_clear_sessions_unschedule('django_session'); SELECT raw_clear_sessions_schedule('django_session')",
        "SELECT raw_clear_sessions_suspend('django_session'); ROLLBACK; BEGIN",
    ] {
        session.wait_for_busy_worker("django_session");
        session.run(&format!("BEGIN; {taken_back}; COMMIT"));
        let left = session.count("django_session");
        wait_until("the run goes on", || session.count("django_session") < left);
    }
    cluster.reload(&FAST);
    session.wait_for_count("django_session", 100);
    session.wait_for_run("stop = 'done'");
    assert_eq!(session.runs("true"), 1);
}

#[test]
fn the_setting_engine_applies_to_the_run_that_is_busy() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = sessions(&cluster);
    session.wait_for_busy_worker("django_session");
    cluster.reload(&[("raw_clear_sessions.engine", "sql")]);
    wait_until("SQL deletes", || {
        session.count("raw_clear_sessions.progress WHERE phase = 'deleting by SQL'") > 0
    });
    assert_eq!(session.runs("stop <> 'done'"), 0);
    cluster.reload(&FAST);
    session.wait_for_count("django_session", 100);
}

#[test]
fn pausing_ends_the_busy_run_and_starts_none_until_it_is_over() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = sessions(&cluster);
    session.wait_for_busy_worker("django_session");
    // The table would be due again.
    wait_until_due_in_vain(&mut session);
    cluster.reload(&[("raw_clear_sessions.paused", "on")]);
    session.wait_for_run("stop = 'paused' AND deleted > 0 AND ended IS NOT NULL");
    let left = session.count("django_session");
    assert!(left > 100, "{left}");
    let note = session.text("SELECT note FROM raw_clear_sessions.status");
    assert!(note.contains("paused"), "{note}");
    // Nobody has counted what is left.
    assert!(session.yes("SELECT expired_left IS NULL FROM raw_clear_sessions.status"));
    wait_until_due_in_vain(&mut session);
    assert_eq!(session.count("django_session"), left);
    assert_eq!(session.runs("true"), 1);
    assert!(session.workers().is_empty());

    cluster.reload(&FAST);
    cluster.reload(&[("raw_clear_sessions.paused", "off")]);
    session.wait_for_count("django_session", 100);
    session.wait_for_run("stop = 'done'");
}

/// A setting, a value that is none, and what the log has to say about it besides the name and the value.
const BAD: [(&str, &str, &str); 15] = [
    ("schedule", "whenever", "schedule"),
    ("schedule", "", "schedule"),
    ("schedule", "0 0 30 2 *", "never"),
    ("schedule", "0 s", "at least one second"),
    ("schedule", "-1 hour", "at least one second"),
    ("schedule", "61 * * * *", "schedule"),
    ("tables", "\"open", "not closed"),
    ("tables", "a b", "comma"),
    ("tables", "a,,b", "empty"),
    ("tables", "*", "not possible"),
    ("databases", "\"open", "not closed"),
    ("databases", "*, app", "alone"),
    ("databases", "app,", "empty"),
    ("max_workers", "0", "range"),
    ("wal_compression", "brotli", "compress"),
];

#[test]
fn a_bad_value_is_refused_once_in_the_log_and_the_old_one_kept() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.wal_compression", "off")]);
    let mut session = sessions(&cluster);
    session.wait_for_count("django_session", 100);
    for (name, bad, reason) in BAD {
        let name = format!("raw_clear_sessions.{name}");
        let show = format!("SHOW {name}");
        let good = cluster.connect_to("app").text(&show);
        let before = cluster.log();
        cluster.reload(&[(&name, bad)]);
        wait_until(&format!("the log complains of {name} = '{bad}'"), || {
            cluster.log()[before.len()..].contains("contains errors")
        });
        let log = cluster.log();
        let said = log[before.len()..].to_owned();
        let complaints = said
            .lines()
            .filter(|line| line.contains(&name) && line.contains("LOG:"));
        assert_eq!(complaints.count(), 1, "{said}");
        assert!(said.contains(reason), "{name} = '{bad}': {reason}\n{said}");
        assert_eq!(
            cluster.connect_to("app").text(&show),
            good,
            "{name} = '{bad}'"
        );
        // The worker goes on by the old value, and has nothing to add.
        add_expired(&mut session, "django_session", 1);
        session.wait_for_count("django_session", 100);
        assert_eq!(cluster.log(), log, "{name} = '{bad}'");
        cluster.set(&[(&name, &good)]);
    }
}

#[test]
fn an_unknown_setting_below_the_prefix_is_refused() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.shedule", "1 s")]);
    let name = "\"raw_clear_sessions.shedule\"";
    assert!(cluster.logged(name) >= 1, "at the start");
    let before = cluster.logged("raw_clear_sessions.tabels");
    assert_eq!(before, 0);
    cluster.reload(&[("raw_clear_sessions.tabels", "django_session")]);
    cluster.wait_for_log("\"raw_clear_sessions.tabels\"");
    let mut session = cluster.connect_to("postgres");
    assert_eq!(session.refused("SHOW raw_clear_sessions.tabels"), "42704");
}

#[test]
fn a_policy_that_a_superuser_changes_directly_counts_for_the_run_that_is_busy() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 20_000, 10);
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 h', batch_size => 1)");
    session.wait_for_busy_worker("django_session");
    session.run("UPDATE raw_clear_sessions.policy SET keep = '10 years'");
    session.wait_for_run("stop = 'done'");
    assert!(session.count("django_session") > 10);
}

#[test]
fn a_policy_that_comes_to_rest_behind_another_table_is_not_carried_out() {
    let cluster = Cluster::with_worker(
        "app",
        &[
            ("raw_clear_sessions.paused", "on"),
            ("raw_clear_sessions.lock_timeout", "1min"),
        ],
    );
    let database = cluster.database("app");
    let mut session = database.connect();
    for table in ["first", "second"] {
        create_sessions(&mut session, table, 100, 10);
        session.run(&format!(
            "SELECT raw_clear_sessions_schedule('{table}', '1 s')"
        ));
    }
    wait_until_due_in_vain(&mut session);
    session.run("BEGIN; LOCK TABLE first, second");
    cluster.reload(&[("raw_clear_sessions.paused", "off")]);
    let mut observer = database.connect();
    let waited_for = "SELECT coalesce(max(relation::regclass::text), '') FROM pg_locks
         WHERE NOT granted AND locktype = 'relation' AND relation IN ('first'::regclass, 'second'::regclass)";
    let mut first = String::new();
    wait_until("the worker waits for one of them", || {
        first = observer.text(waited_for);
        !first.is_empty()
    });
    // As a superuser can: nobody is told.
    session.run(&format!(
        "UPDATE raw_clear_sessions.policy SET suspended = now() WHERE \"table\" <> '{first}'::regclass; COMMIT"
    ));
    session.wait_for_count(&first, 10);
    wait_until_due_in_vain(&mut session);
    let other = if first == "first" { "second" } else { "first" };
    assert_eq!(session.count(other), 100);
}

#[test]
fn a_table_that_the_settings_name_too_is_said_to_be_cleared_after_its_policy_has_gone() {
    let listed = ("raw_clear_sessions.tables", "django_session");
    let cluster = Cluster::with_worker("app", &[listed]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 h')");
    let told = cluster.shell(
        "psql --no-psqlrc --dbname=app --command=\"SELECT raw_clear_sessions_unschedule('django_session')\" 2>&1",
    );
    assert!(
        told.contains("WARNING:  the worker goes on clearing table \"django_session\""),
        "{told}"
    );
}

#[test]
fn a_policy_that_a_two_phase_commit_changes_counts_from_the_next_batch_on() {
    let mut settings = SLOW.to_vec();
    settings.push(("max_prepared_transactions", "5"));
    let cluster = Cluster::with_worker("app", &settings);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 20_000, 10);
    let schedule = |keep: &str| {
        format!(
            "SELECT raw_clear_sessions_schedule('django_session', '1 h', batch_size => 1{keep})"
        )
    };
    session.run(&schedule(""));
    session.wait_for_busy_worker("django_session");
    session.run("BEGIN");
    session.run(&schedule(", keep => '10 years'"));
    session.run("PREPARE TRANSACTION 'later'");
    let mut other = cluster.connect_to("app");
    other.run("COMMIT PREPARED 'later'");
    other.wait_for_run("stop = 'done'");
    assert!(other.count("django_session") > 10);
}

/// A prepared transaction tells nobody that it is committed: the policy is looked at again under the lock, also after a restart.
#[test]
fn what_a_prepared_transaction_does_to_a_policy_counts_under_the_lock() {
    let mut cluster = Cluster::with_worker(
        "app",
        &[
            ("max_prepared_transactions", "2"),
            ("raw_clear_sessions.paused", "on"),
            ("raw_clear_sessions.lock_timeout", "1min"),
        ],
    );
    drop(cluster.database("app"));
    for restarts in [false, true] {
        let table = format!("sessions{}", i32::from(restarts));
        let mut session = cluster.connect_to("app");
        create_sessions(&mut session, &table, 100, 10);
        session.run(&format!(
            "SELECT raw_clear_sessions_schedule('{table}', '1 s')"
        ));
        session.run(&format!(
            "BEGIN; SELECT raw_clear_sessions_unschedule('{table}'); PREPARE TRANSACTION 'change'"
        ));
        if restarts {
            drop(session);
            cluster.stop(Shutdown::Fast);
            cluster.start();
            session = cluster.connect_to("app");
        }
        let mut holder = cluster.connect_to("app");
        holder.run(&format!("BEGIN; LOCK TABLE {table}"));
        cluster.reload(&[("raw_clear_sessions.paused", "off")]);
        wait_until("the worker waits for the table", || {
            session.yes(&format!(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = '{table}'::regclass)"
            ))
        });
        session.run("COMMIT PREPARED 'change'");
        holder.run("COMMIT");
        wait_until("the worker has ended", || session.workers().is_empty());
        assert_eq!(session.count(&table), 100, "restarts: {restarts}");
        cluster.reload(&[("raw_clear_sessions.paused", "on")]);
    }
}
