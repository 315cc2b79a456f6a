//! Databases take turns where there are fewer workers than databases that are due: a run that takes long holds up no other
//! database, goes on in another process, and stays one run.

use cluster::{Cluster, FAST, SLOW, Session, add_expired, create_sessions, wait_until};

const BIG: &str = "\"table\" = 'big'::regclass";

/// One worker for two databases: in the first one the run of a table is under way that takes long.
struct Site {
    cluster: Cluster,
    first: Session,
    second: Session,
}

impl Site {
    fn new(limits: &str) -> Site {
        let mut settings = vec![("raw_clear_sessions.max_workers", "1")];
        settings.extend(SLOW);
        let cluster = Cluster::with_worker("first, second", &settings);
        let mut second = cluster.database("second").connect();
        create_sessions(&mut second, "small", 10, 10);
        let mut first = cluster.database("first").connect();
        create_sessions(&mut first, "big", 5000, 10);
        first.run(&format!(
            "SELECT raw_clear_sessions_schedule('big', '1 h'{limits})"
        ));
        first.wait_for_busy_worker("big");
        Site {
            cluster,
            first,
            second,
        }
    }

    /// Has a table of the second database, which is due every second, cleared some times.
    fn clear_small(&mut self) {
        self.second
            .run("SELECT raw_clear_sessions_schedule('small', '1 s')");
        for _ in 0..3 {
            add_expired(&mut self.second, "small", 1);
            self.second.wait_for_count("small", 1);
        }
        assert_eq!(self.first.runs(&format!("{BIG} AND ended IS NULL")), 1);
    }

    /// Waits until the run of a table of the first database is put aside.
    fn wait_until_aside(&mut self, table: &str) {
        wait_until("the run is put aside", || {
            self.first.yes(&format!(
                "SELECT EXISTS (SELECT FROM raw_clear_sessions.history
                 WHERE \"table\" = '{table}'::regclass AND ended IS NULL AND aside IS NOT NULL)"
            ))
        });
    }
}

#[test]
fn a_long_run_holds_up_no_other_database_and_goes_on_where_it_was() {
    let mut site = Site::new("");
    site.clear_small();
    let query =
        format!("SELECT coalesce(max(deleted), 0)::bigint FROM raw_clear_sessions.run WHERE {BIG}");
    let before = site.first.number(&query);
    wait_until("it has got on, in other processes", || {
        site.first.number(&query) > before + 30
    });
    let most = site.first.workers().len();
    assert!(most <= 1, "{most} database workers at a time");
    site.cluster.reload(&FAST);
    site.first
        .wait_for_run(&format!("{BIG} AND stop = 'done' AND deleted = 4500"));
    assert_eq!(site.first.runs(BIG), 1);
    assert_eq!(site.first.count("big"), 500);
    let status =
        "SELECT concat_ws(' ', runs, total_deleted, failures, last_stop, cleared_until IS NOT NULL)
         FROM raw_clear_sessions.status WHERE \"table\" = 'big'::regclass";
    assert_eq!(site.first.text(status), "1 4500 0 done t");
    assert_eq!(site.cluster.logged("ERROR"), 0);
}

/// In each of them there is always something due: none waits until another one has nothing to do.
#[test]
fn databases_whose_runs_all_take_long_have_turns_one_after_the_other() {
    let mut settings = vec![("raw_clear_sessions.max_workers", "1")];
    settings.extend(SLOW);
    let cluster = Cluster::with_worker("one, two, three", &settings);
    let mut sessions = ["one", "two", "three"].map(|name| {
        let mut session = cluster.database(name).connect();
        create_sessions(&mut session, "big", 5000, 10);
        session.run("SELECT raw_clear_sessions_schedule('big', '1 h')");
        session
    });
    let deleted = "SELECT coalesce(max(deleted), 0)::bigint FROM raw_clear_sessions.run";
    for _ in 0..2 {
        for session in &mut sessions {
            let before = session.number(deleted);
            wait_until("its run has got on", || session.number(deleted) > before);
        }
    }
    for session in &mut sessions {
        assert_eq!(session.runs("ended IS NULL"), 1);
        assert_eq!(session.runs("true"), 1);
    }
}

#[test]
fn the_limits_of_a_run_count_over_its_turns_in_all_processes() {
    let mut site = Site::new(", max_rows => 1000");
    site.clear_small();
    site.cluster.reload(&[
        ("raw_clear_sessions.cost_delay", "20"),
        ("raw_clear_sessions.batch_size", "10"),
    ]);
    site.first
        .wait_for_run(&format!("{BIG} AND stop = 'max_rows'"));
    let left = site.first.count("big");
    assert!((3800..=4000).contains(&left), "{left}");
    assert_eq!(site.first.runs(BIG), 1);
}

/// None of the turns takes as long.
#[test]
fn the_time_of_a_run_counts_over_its_turns_in_all_processes() {
    let mut site = Site::new(", max_duration => '5 s'");
    site.second
        .run("SELECT raw_clear_sessions_schedule('small', '1 s')");
    site.first
        .wait_for_run(&format!("{BIG} AND stop = 'max_duration'"));
    assert!(site.second.all_ended_runs() > 1);
    assert_eq!(site.first.runs(BIG), 1);
}

#[test]
fn tables_of_a_database_take_turns_also_where_each_turn_is_another_processs() {
    let mut site = Site::new("");
    create_sessions(&mut site.first, "tiny", 10, 10);
    site.first
        .run("SELECT raw_clear_sessions_schedule('tiny', '1 s')");
    for _ in 0..2 {
        site.clear_small();
        add_expired(&mut site.first, "tiny", 1);
        site.first.wait_for_count("tiny", 1);
    }
}

/// Whose turn it is, a process has to know that has had none of them itself.
#[test]
fn a_run_that_is_put_aside_goes_on_beside_a_table_that_is_always_due_and_takes_a_turn() {
    let mut site = Site::new("");
    create_sessions(&mut site.first, "taking", 10, 10);
    site.first
        .run("SELECT raw_clear_sessions_schedule('taking', '1 s')");
    site.clear_small();
    // By when the other database has had its turn, each is due again.
    for (session, table) in [(&mut site.first, "taking"), (&mut site.second, "small")] {
        session.run(&format!(
            "CREATE FUNCTION take() RETURNS trigger LANGUAGE plpgsql AS
                 $$BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END$$;
             CREATE TRIGGER t AFTER DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION take()"
        ));
    }
    site.wait_until_aside("big");
    let query =
        format!("SELECT coalesce(max(deleted), 0)::bigint FROM raw_clear_sessions.run WHERE {BIG}");
    for _ in 0..2 {
        let before = site.first.number(&query);
        wait_until("it has got on", || {
            for (session, table) in [(&mut site.first, "taking"), (&mut site.second, "small")] {
                if session.count(table) == 1 {
                    add_expired(session, table, 1);
                }
            }
            site.first.number(&query) > before
        });
    }
}

#[test]
fn a_run_that_is_put_aside_for_another_database_can_be_canceled() {
    let mut site = Site::new("");
    site.clear_small();
    site.wait_until_aside("big");
    // Whichever of the two it is at by now.
    assert!(site.first.yes("SELECT raw_clear_sessions_cancel('big')"));
    site.first.wait_for_run(&format!(
        "{BIG} AND stop = 'canceled' AND deleted > 0 AND error IS NULL"
    ));
    assert_eq!(site.first.runs(BIG), 1);
}

#[test]
fn a_run_that_is_put_aside_for_another_database_ends_with_its_policy() {
    let mut site = Site::new("");
    site.clear_small();
    site.wait_until_aside("big");
    site.first
        .run("SELECT raw_clear_sessions_unschedule('big')");
    site.first
        .wait_for_run(&format!("{BIG} AND stop = 'unscheduled' AND deleted > 0"));
    assert_eq!(site.first.runs("ended IS NULL"), 0);
}

#[test]
fn rows_that_cannot_be_deleted_are_counted_over_the_turns_in_all_processes() {
    let mut site = Site::new("");
    create_sessions(&mut site.first, "broken", 20, 10);
    // Each try takes long enough for the run to have several turns.
    site.first.run(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN PERFORM pg_sleep(0.05); RAISE EXCEPTION 'not today' USING ERRCODE = '23514'; END$$;
         CREATE TRIGGER t BEFORE DELETE ON broken FOR EACH ROW EXECUTE FUNCTION no();
         SELECT raw_clear_sessions_schedule('broken', '1 h')",
    );
    site.second
        .run("SELECT raw_clear_sessions_schedule('small', '1 s')");
    site.wait_until_aside("broken");
    site.cluster.reload(&FAST);
    site.first.wait_for_run(
        "stop = 'left_out' AND sqlstate = '23514' AND error LIKE 'could not delete 18 expired rows of table \"broken\"%'",
    );
    assert_eq!(site.first.runs("\"table\" = 'broken'::regclass"), 1);
    assert!(site.second.ended_runs("small") > 1);
}
