//! Sessions are stored, renewed and ended by many at once, at each isolation level, while the table is cleared again and
//! again by the function, the procedure or the rewrite: no live session is ever lost, and a last call leaves no expired
//! one.

use cluster::{
    Cleaner, Cluster, Database, Isolation, Pass, Session, add_old, assert_calm, create_sessions,
    storm, until_serialized,
};

const FUNCTION: &str = "SELECT raw_clear_sessions('django_session')";
const PROCEDURE: &str = "CALL raw_clear_sessions_in_batches('django_session', batch_size => 100)";
const REWRITE: &str = "SELECT raw_clear_sessions_rewrite('django_session')";

/// What is cleared in one round.
const OLD: u32 = 1000;

/// So often the table is cleared at least.
const ROUNDS: u64 = 5;

/// A cluster for one test alone, because pg_visibility looks at the transactions of all databases. Serialization failures
/// are no news.
fn cluster() -> Cluster {
    Cluster::with(&[("log_min_messages", "fatal")])
}

/// Makes the table anew.
fn prepare(database: &Database<'_>) -> Session {
    let mut session = database.connect();
    session.run("DROP TABLE IF EXISTS django_session");
    create_sessions(&mut session, "django_session", 0, 1);
    session
}

/// Clears the table in a loop by this statement, through this pass, at this level.
fn rage(
    database: &Database<'_>,
    statement: &'static str,
    pass: Pass,
    isolation: Isolation,
    name: &str,
) {
    let what = format!("{name}, {}", isolation.name());
    let mut session = prepare(database);
    let (mut feeder, mut cleaner) = (database.connect(), database.connect());
    pass.choose(&mut cleaner, "django_session");
    cleaner.run(&isolation.setting());
    cleaner.run("SET raw_clear_sessions.cost_delay = 0");
    let cleaner: Cleaner = Box::new(move |round| {
        add_old(&mut feeder, round, OLD);
        until_serialized(&mut cleaner, statement)
    });
    let (sites, tally) = storm(database, isolation, &what, ROUNDS, cleaner);
    tally.report(&format!("storm: {what}"));
    assert!(tally.deleted > 0, "{what}: nothing was cleared");
    session.number(statement);
    assert_calm(&mut session, &sites, &what);
}

#[test]
fn no_live_session_is_lost_in_a_storm_to_the_function() {
    let cluster = cluster();
    let database = cluster.database("storm").with_checks();
    for isolation in Isolation::ALL {
        for pass in Pass::ALL {
            let name = format!("function, {}", pass.name());
            rage(&database, FUNCTION, pass, isolation, &name);
        }
    }
}

#[test]
fn no_live_session_is_lost_in_a_storm_to_the_procedure() {
    let cluster = cluster();
    let database = cluster.database("storm").with_checks();
    for isolation in Isolation::ALL {
        for pass in Pass::ALL {
            let name = format!("procedure, {}", pass.name());
            rage(&database, PROCEDURE, pass, isolation, &name);
        }
    }
}

#[test]
fn no_live_session_is_lost_in_a_storm_to_the_rewrite() {
    let cluster = cluster();
    let database = cluster.database("storm").with_checks();
    for isolation in Isolation::ALL {
        rage(&database, REWRITE, Pass::Heap, isolation, "rewrite");
    }
}
