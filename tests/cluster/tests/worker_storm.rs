//! Sessions are stored, renewed and ended by many at once, at each isolation level, while the worker clears their table:
//! it loses no live session, and leaves no expired one.

use cluster::{
    Cleaner, Cluster, Database, Isolation, Pass, add_old, assert_calm, create_sessions, is_long,
    storm, wait_until,
};

/// What is there to be cleared in each run.
const OLD: u32 = 500;

/// So often the worker clears the table at least, in the short version and in the long one. It begins once a second.
const ROUNDS: [u64; 2] = [2, 10];

/// How the worker clears a table.
#[derive(Clone, Copy, Debug)]
enum Way {
    Delete(Pass),
    Rewrite,
}

impl Way {
    const ALL: [Way; 4] = [
        Way::Delete(Pass::Heap),
        Way::Delete(Pass::Index),
        Way::Delete(Pass::Sql),
        Way::Rewrite,
    ];

    fn name(self) -> &'static str {
        match self {
            Way::Delete(pass) => pass.name(),
            Way::Rewrite => "rewrite",
        }
    }

    /// The settings, which the worker takes from the database.
    fn settings(self, database: &str) -> String {
        let settings = match self {
            Way::Delete(pass) => pass.settings(),
            Way::Rewrite => "SET enable_indexscan = off",
        };
        settings.replace("SET ", &format!("ALTER DATABASE {database} SET "))
    }
}

/// A database in which the worker clears in this way; how it does it is not looked at elsewhere.
fn database<'a>(cluster: &'a Cluster, way: Way, isolation: Isolation) -> Database<'a> {
    let name = format!("{} {}", way.name(), isolation.name()).replace(' ', "_");
    let database = cluster.bare_database(&name).with_checks();
    database.connect().run(&way.settings(&name));
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 0, 1);
    session.run("CREATE EXTENSION raw_clear_sessions");
    if let Way::Rewrite = way {
        session.run(
            "SELECT raw_clear_sessions_schedule('django_session', '1 s', rewrite_above => 0.01)",
        );
    }
    database
}

fn rage(cluster: &Cluster, way: Way, isolation: Isolation) {
    let what = format!("worker, {}, {}", way.name(), isolation.name());
    let database = database(cluster, way, isolation);
    let mut feeder = database.connect();
    // What is added is there until the worker has been at the table.
    let cleaner: Cleaner = Box::new(move |round| {
        add_old(&mut feeder, round, OLD);
        wait_until("the worker has cleared the table", || {
            feeder.count("django_session WHERE session_key LIKE 'old%'") == 0
        });
        i64::from(OLD)
    });
    let (sites, tally) = storm(
        &database,
        isolation,
        &what,
        ROUNDS[usize::from(is_long())],
        cleaner,
    );
    tally.report(&format!("storm: {what}"));
    let mut session = database.connect();
    wait_until("no expired session is left", || {
        session.count("django_session WHERE expire_date < now()") == 0
    });
    assert_eq!(session.runs("stop <> 'done'"), 0, "{what}");
    if let Way::Rewrite = way {
        assert!(session.runs("details ->> 'rewrite' = 'done'") > 0, "{what}");
    }
    session.run("DROP EXTENSION raw_clear_sessions");
    assert_calm(&mut session, &sites, &what);
}

#[test]
fn the_worker_loses_no_live_session_in_a_storm_of_renewals() {
    let cluster = Cluster::with_worker(
        "*",
        &[
            ("raw_clear_sessions.cost_delay", "1"),
            ("raw_clear_sessions.batch_size", "20"),
            ("raw_clear_sessions.lock_timeout", "10s"),
            // Serialization failures are no news.
            ("log_min_messages", "fatal"),
        ],
    );
    for (number, way) in Way::ALL.into_iter().enumerate() {
        let all = Isolation::ALL;
        let levels = if is_long() {
            &all[..]
        } else {
            &all[number % all.len()..][..1]
        };
        for isolation in levels {
            rage(&cluster, way, *isolation);
        }
    }
}
