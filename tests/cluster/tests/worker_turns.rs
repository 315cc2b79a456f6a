//! Tables of one database take turns: a run that takes long holds up no other, and stays one run.

use cluster::{
    Cluster, FAST, SLOW, SLOW_FUNCTION, Session, Shutdown, add_expired, create_sessions, wait_until,
};

/// Or another worker would clear what waits.
const ALONE: (&str, &str) = ("raw_clear_sessions.max_workers", "1");
const ALONE_AND_SLOW: [(&str, &str); 4] = [ALONE, SLOW[0], SLOW[1], SLOW[2]];

const BIG: &str = "\"table\" = 'big'::regclass";

/// A database with a table whose run takes long, and is under way.
fn with_big_table(cluster: &Cluster, limits: &str) -> Session {
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "small", 10, 10);
    create_sessions(&mut session, "big", 5000, 10);
    session.run(&format!(
        "SELECT raw_clear_sessions_schedule('big', '1 h'{limits})"
    ));
    session.wait_for_busy_worker("big");
    session
}

/// Has a table that is due every second cleared some times, while the run of the big one goes on.
fn clear_small(session: &mut Session) {
    session.run("SELECT raw_clear_sessions_schedule('small', '1 s')");
    for _ in 0..3 {
        add_expired(session, "small", 1);
        session.wait_for_count("small", 1);
    }
    assert_eq!(session.runs(&format!("{BIG} AND ended IS NULL")), 1);
}

#[test]
fn a_long_run_holds_up_no_table_that_is_due_every_second_and_stays_one_run() {
    let cluster = Cluster::with_worker("app", &ALONE_AND_SLOW);
    let mut session = with_big_table(&cluster, "");
    clear_small(&mut session);
    // It goes on where it was.
    let query = "SELECT unnest(ARRAY[deleted, blocks_done])::text FROM raw_clear_sessions.progress
         WHERE \"table\" = 'big'::regclass AND waiting = 'cost delay'";
    let mut last = (0, 0);
    wait_until("it has got on", || {
        if let [deleted, blocks] = &session.texts(query)[..] {
            let number = |text: &str| text.parse::<i64>().expect("a number");
            let now = (number(deleted), number(blocks));
            assert!(now.0 >= last.0 && now.1 >= last.1, "{now:?} after {last:?}");
            last = now;
        }
        last.1 > 10
    });
    cluster.reload(&FAST);
    session.wait_for_run(&format!("{BIG} AND stop = 'done' AND deleted = 4500"));
    assert_eq!(session.runs(BIG), 1);
    assert_eq!(session.count("big"), 500);
    let status =
        "SELECT concat_ws(' ', runs, total_deleted, failures, last_stop, cleared_until IS NOT NULL)
         FROM raw_clear_sessions.status WHERE \"table\" = 'big'::regclass";
    assert_eq!(session.text(status), "1 4500 0 done t");
    assert_eq!(cluster.logged("ERROR"), 0);
}

#[test]
fn the_limits_of_a_run_count_over_all_of_its_turns() {
    let cluster = Cluster::with_worker("app", &ALONE_AND_SLOW);
    let mut session = with_big_table(&cluster, ", max_rows => 1000");
    clear_small(&mut session);
    cluster.reload(&[
        ("raw_clear_sessions.cost_delay", "20"),
        ("raw_clear_sessions.batch_size", "10"),
    ]);
    session.wait_for_run(&format!("{BIG} AND stop = 'max_rows'"));
    let left = session.count("big");
    assert!((3800..=4000).contains(&left), "{left}");
    assert_eq!(session.runs(BIG), 1);
}

#[test]
fn a_run_that_is_put_aside_goes_on_where_it_was_after_a_pause_and_a_restart() {
    let mut cluster = Cluster::with_worker("app", &ALONE_AND_SLOW);
    let mut session = with_big_table(&cluster, "");
    create_sessions(&mut session, "bigger", 5000, 10);
    session.run("SELECT raw_clear_sessions_schedule('bigger', '1 h')");
    wait_until("both are under way", || {
        session.runs("ended IS NULL AND deleted > 0") == 2
    });
    cluster.pause(&mut session);
    assert_eq!(session.runs("stop = 'paused' AND deleted > 0"), 1);
    assert_eq!(session.runs("ended IS NULL AND deleted > 0"), 1);
    drop(session);
    cluster.stop(Shutdown::Fast);
    cluster.set(&[("raw_clear_sessions.paused", "off")]);
    cluster.set(&FAST);
    cluster.start();
    session = cluster.connect_to("app");
    session.wait_for_run("stop = 'done' AND deleted = 4500");
    assert_eq!(session.runs("true"), 2);
    let deleted = session.number("SELECT sum(deleted)::bigint FROM raw_clear_sessions.run");
    assert_eq!(
        deleted,
        10_000 - session.count("big") - session.count("bigger")
    );
}

/// The partition that it had done with is read again by the new policy, also where that takes it several turns.
#[test]
fn a_run_whose_policy_is_replaced_reads_again_over_its_turns_what_it_had_done_with() {
    let cluster = Cluster::with_worker("app", &ALONE_AND_SLOW);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "small", 10, 10);
    session.run(
        "CREATE TABLE big (part integer, expires timestamptz) PARTITION BY LIST (part);
         CREATE TABLE first PARTITION OF big FOR VALUES IN (1);
         CREATE TABLE second PARTITION OF big FOR VALUES IN (2);
         INSERT INTO first SELECT 1, '2020-01-01' FROM generate_series(1, 2000);
         INSERT INTO second SELECT 2, '2001-01-01' FROM generate_series(1, 5000);
         ANALYZE big;
         SELECT raw_clear_sessions_schedule('big', '1 h', expires => 'expires', keep => '20 years')",
    );
    let at = |leaf: &str| {
        format!(
            "SELECT EXISTS (SELECT FROM raw_clear_sessions.progress
             WHERE leaf = '{leaf}'::regclass AND deleted > 0)"
        )
    };
    wait_until("the second partition's turn has come", || {
        session.yes(&at("second"))
    });
    assert_eq!(session.count("first"), 2000);
    session.run("SELECT raw_clear_sessions_schedule('big', '1 h', expires => 'expires')");
    wait_until("the first partition's turn has come again", || {
        session.count("first") < 2000
    });
    clear_small(&mut session);
    cluster.reload(&FAST);
    session.wait_for_run(&format!("{BIG} AND stop = 'done' AND deleted = 7000"));
    assert_eq!(session.count("big"), 0);
}

/// The same where it is replaced while other tables have their turn.
#[test]
fn a_run_whose_policy_is_replaced_while_it_is_put_aside_reads_again_what_it_had_passed() {
    let lock_timeout = ("raw_clear_sessions.lock_timeout", "1min");
    let cluster = Cluster::with_worker("app", &[&ALONE_AND_SLOW[..], &[lock_timeout]].concat());
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "small", 10, 10);
    session.run(
        "CREATE FUNCTION waits() RETURNS boolean LANGUAGE plpgsql STABLE AS
             $$BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN true; END$$;
         CREATE TABLE big (part integer, expires timestamptz);
         INSERT INTO big SELECT 1, '2020-01-01' FROM generate_series(1, 2000);
         INSERT INTO big SELECT 2, '2020-01-01' FROM generate_series(1, 5000);
         SELECT raw_clear_sessions_schedule('big', '1 h', expires => 'expires', filter => 'part = 2')",
    );
    session.wait_for_busy_worker("big");
    session.run(
        "SELECT pg_advisory_lock(1);
         SELECT raw_clear_sessions_schedule('small', '1 s', filter => 'public.waits()')",
    );
    wait_until("the run is put aside", || {
        session.count("raw_clear_sessions.history WHERE aside IS NOT NULL") == 1
    });
    session.run(
        "SELECT raw_clear_sessions_schedule('big', '1 h', expires => 'expires', filter => 'part > 0')",
    );
    cluster.reload(&FAST);
    session.run("SELECT pg_advisory_unlock(1)");
    session.wait_for_run(&format!("{BIG} AND stop = 'done' AND deleted = 7000"));
    assert_eq!(session.count("big"), 0);
    assert_eq!(session.runs(BIG), 1);
}

/// By the policy alone it would not be due before tomorrow.
#[test]
fn a_run_that_is_put_aside_goes_on_though_its_policy_is_replaced_by_one_of_another_day() {
    let cluster = Cluster::with_worker("app", &ALONE_AND_SLOW);
    let mut session = cluster.database("app").connect();
    for table in ["small", "big"] {
        create_sessions(&mut session, table, 10, 10);
    }
    let daily = "SELECT raw_clear_sessions_schedule('big', '1 day')";
    session.run(daily);
    wait_until("its first run has ended", || session.ended_runs("big") == 1);
    add_expired(&mut session, "big", 5000);
    session.run("SELECT raw_clear_sessions_schedule('big', '1 s')");
    session.wait_for_busy_worker("big");
    session.run(daily);
    clear_small(&mut session);
    cluster.reload(&FAST);
    session.wait_for_run(&format!("{BIG} AND stop = 'done' AND deleted = 5000"));
    assert_eq!(session.count("big"), 1);
}

#[test]
fn a_run_is_canceled_whether_it_has_its_turn_or_not() {
    let cluster = Cluster::with_worker("app", &ALONE_AND_SLOW);
    let mut session = with_big_table(&cluster, "");
    create_sessions(&mut session, "bigger", 5000, 10);
    session.run("SELECT raw_clear_sessions_schedule('bigger', '1 h')");
    wait_until("one is put aside", || {
        session.runs("ended IS NULL AND deleted > 0") == 2
    });
    // One of them has its turn now, and the other one not.
    for table in ["big", "bigger"] {
        assert!(session.yes(&format!("SELECT raw_clear_sessions_cancel('{table}')")));
    }
    wait_until("both have ended", || {
        session.runs("stop = 'canceled' AND deleted > 0 AND error IS NULL") == 2
    });
    assert_eq!(session.runs("true"), 2);
}

#[test]
fn a_run_that_waits_for_another_says_so_and_stays_due_when_the_settings_are_reloaded() {
    let cluster = Cluster::with_worker("app", &ALONE_AND_SLOW);
    // Beside it the worker does not come to an end.
    let mut session = with_big_table(&cluster, "");
    session.run(SLOW_FUNCTION);
    create_sessions(&mut session, "nightly", 20, 10);
    create_sessions(&mut session, "stuck", 100, 10);
    // Due with the next minute, and then not before tomorrow.
    wait_until("the minute is nearly over", || {
        session.yes("SELECT extract(second FROM clock_timestamp()) BETWEEN 40 AND 55")
    });
    session.run(
        "SELECT raw_clear_sessions_schedule('nightly', to_char(clock_timestamp() + interval '1 minute', 'MI HH24 * * *'),
             schedule_time_zone => current_setting('timezone'));
         SELECT raw_clear_sessions_schedule('stuck', '1 h', filter => 'public.slow()')",
    );
    let waits = "SELECT coalesce(max(waits_for), '') FROM raw_clear_sessions.status WHERE \"table\" = 'nightly'::regclass";
    wait_until("it is due, and waits", || {
        session.text(waits) == "the run of table stuck"
    });
    let launcher_has_read =
        "SELECT raw_clear_sessions.next_start(\"table\"::oid, schedule, schedule_time_zone, changed, last_start, last_end, failures)
             > now() + interval '1 h' FROM raw_clear_sessions.scheduled WHERE \"table\" = 'nightly'::regclass";
    cluster.reload(&[("raw_clear_sessions.tables", "nothing_of_that_name")]);
    wait_until("the settings are read", || session.yes(launcher_has_read));
    assert!(session.yes("SELECT raw_clear_sessions_cancel('stuck')"));
    session.wait_for_count("nightly", 2);
    assert_eq!(session.runs(&format!("{BIG} AND ended IS NULL")), 1);
}

#[test]
fn a_table_that_is_to_be_cleared_at_once_is_due_while_it_waits_for_another() {
    let cluster = Cluster::with_worker("app", &[ALONE]);
    let mut session = cluster.database("app").connect();
    session.run(SLOW_FUNCTION);
    create_sessions(&mut session, "asked", 100, 10);
    create_sessions(&mut session, "stuck", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('asked', '1 day')");
    session.wait_for_count("asked", 10);
    let next = "SELECT CASE WHEN next_start > now() + interval '1 h' THEN 'tomorrow' WHEN next_start <= now() THEN 'now' END
             || coalesce(', waits for ' || waits_for, '')
         FROM raw_clear_sessions.status WHERE \"table\" = 'asked'::regclass";
    wait_until("its run has ended", || {
        session.text(&format!("SELECT coalesce(({next}), '')")) == "tomorrow"
    });
    session.run("SELECT raw_clear_sessions_schedule('stuck', '1 h', filter => 'public.slow()')");
    session.wait_for_count(
        "raw_clear_sessions.progress WHERE \"table\" = 'stuck'::regclass",
        1,
    );
    assert_eq!(session.text(next), "tomorrow");
    session.run("SELECT raw_clear_sessions_run_now('asked')");
    assert_eq!(session.text(next), "now, waits for the run of table stuck");
    assert!(session.yes("SELECT raw_clear_sessions_cancel('stuck')"));
    wait_until("it has been cleared again", || {
        session.text(next) == "tomorrow"
    });
}

#[test]
fn rows_that_cannot_be_deleted_are_counted_over_all_turns_of_a_run() {
    let cluster = Cluster::with_worker("app", &[ALONE]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "small", 10, 10);
    create_sessions(&mut session, "broken", 100, 10);
    // Each try takes long enough for the run to have several turns.
    session.run(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN PERFORM pg_sleep(0.02); RAISE EXCEPTION 'not today' USING ERRCODE = '23514'; END$$;
         CREATE TRIGGER t BEFORE DELETE ON broken FOR EACH ROW EXECUTE FUNCTION no();
         SELECT raw_clear_sessions_schedule('small', '1 s');
         SELECT raw_clear_sessions_schedule('broken', '1 h')",
    );
    session.wait_for_run(
        "stop = 'left_out' AND sqlstate = '23514' AND error LIKE 'could not delete 90 expired rows of table \"broken\"%'",
    );
    assert_eq!(session.runs("\"table\" = 'broken'::regclass"), 1);
    assert!(session.ended_runs("small") > 1);
}

#[test]
fn an_owner_of_many_slow_tables_holds_up_no_table_of_another_owner() {
    let cluster = Cluster::with_worker("app", &[ALONE]);
    let mut session = cluster.database("app").connect();
    session.run("CREATE ROLE many; CREATE ROLE one");
    create_sessions(&mut session, "single", 10, 10);
    session.run(
        "ALTER TABLE single OWNER TO one; SELECT raw_clear_sessions_schedule('single', '1 s')",
    );
    session.wait_for_count("single", 1);
    // All are due at once, and take fifteen seconds at least.
    session.schedule_slow_tables("slow", 30, "1 h", true);
    let slow = "SELECT coalesce(sum(runs), 0)::bigint FROM raw_clear_sessions.status WHERE \"table\"::text LIKE 'slow%'";
    wait_until("the worker is at them", || session.number(slow) > 0);
    for _ in 0..3 {
        add_expired(&mut session, "single", 1);
        session.wait_for_count("single", 1);
    }
    let done = session.number(slow);
    assert!(done < 30, "{done} of the other owner's tables came before");
    wait_until("all have been cleared", || session.number(slow) == 30);
    assert_eq!(session.runs("stop <> 'done'"), 0);
}

/// In the order in which they were scheduled, which is neither that of their oids nor the reverse.
#[test]
fn of_tables_that_have_had_no_turn_the_one_that_has_been_due_for_longest_comes_first() {
    let cluster = Cluster::with_worker("app", &[ALONE]);
    let mut session = cluster.database("app").connect();
    session.run(SLOW_FUNCTION);
    for table in ["a", "b", "c", "d", "stuck"] {
        create_sessions(&mut session, table, 10, 10);
    }
    session.run("SELECT raw_clear_sessions_schedule('stuck', '1 h', filter => 'public.slow()')");
    wait_until("the worker is held up", || {
        session.count("raw_clear_sessions.progress WHERE \"table\" = 'stuck'::regclass") == 1
    });
    for table in ["b", "d", "a", "c"] {
        session.run(&format!(
            "SELECT raw_clear_sessions_schedule('{table}', '1 h')"
        ));
    }
    wait_until("all are due", || {
        session.count("raw_clear_sessions.status WHERE next_start <= now() AND \"table\" <> 'stuck'::regclass") == 4
    });
    session.run("SELECT raw_clear_sessions_suspend('stuck')");
    wait_until("all have been cleared", || {
        session.runs("stop = 'done'") == 4
    });
    let cleared = "SELECT \"table\"::regclass::text FROM raw_clear_sessions.run WHERE stop = 'done' ORDER BY started";
    assert_eq!(session.texts(cleared), ["b", "d", "a", "c"]);
}
