//! What may change of a real Citus cluster, and of its tables, while they are cleared.

use cluster::citus::{Nodes, assert_placements_agree};
use cluster::{SOON, Session, wait_until};

/// Adds an expired row, and waits until the worker has cleared it by the one policy that there is, on the table that has the
/// name now.
fn assert_cleared_by_policy(session: &mut Session, table: &str, after: &str) {
    let policy = format!(
        "raw_clear_sessions.policy WHERE \"table\" = '{table}'::regclass AND batch_size = 77"
    );
    wait_until("the policy is the table's", || session.count(&policy) == 1);
    session.run(&format!(
        "INSERT INTO {table} VALUES ('old', '', '2020-01-01')"
    ));
    wait_until("it is carried out", || {
        session.count(&format!("{table} WHERE expire_date < now()")) == 0
    });
    assert_eq!(session.count("raw_clear_sessions.policy"), 1, "{after}");
    assert_eq!(session.count(table), 10, "{after}");
    assert_placements_agree_if_any(session, table);
}

fn assert_placements_agree_if_any(session: &mut Session, table: &str) {
    if session.count(&format!(
        "pg_dist_partition WHERE logicalrelid = '{table}'::regclass"
    )) == 1
    {
        assert_placements_agree(session, table);
    }
}

#[test]
fn a_policy_follows_whatever_citus_makes_of_its_table() {
    let nodes = Nodes::with(&[]);
    let mut session = nodes.database("app").connect();
    nodes
        .coordinator
        .reload(&[("raw_clear_sessions.databases", "app"), SOON]);
    cluster::create_sessions(&mut session, "sessions", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('sessions', '1 s', batch_size => 77)");
    let table = "public.sessions";
    assert_cleared_by_policy(&mut session, table, "it is scheduled");
    for (change, anew) in [
        ("citus_add_local_table_to_metadata('sessions')", true),
        (
            "create_distributed_table('sessions', 'session_key', shard_count => 4)",
            true,
        ),
        (
            "alter_distributed_table('sessions', shard_count => 6)",
            true,
        ),
        ("undistribute_table('sessions')", true),
        ("create_reference_table('sessions')", false),
        ("undistribute_table('sessions')", true),
        (
            "create_distributed_table_concurrently('sessions', 'session_key', shard_count => 4)",
            true,
        ),
    ] {
        wait_until("the table is remembered", || {
            session.yes(
                "SELECT EXISTS (SELECT FROM raw_clear_sessions.state
                     WHERE seen ->> 'name' = 'public.sessions' AND (seen ->> 'citus')::boolean
                         = EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'sessions'::regclass))",
            )
        });
        let oid = "SELECT 'sessions'::regclass::oid::text";
        let before = session.text(oid);
        session.run(&format!("SELECT {change}"));
        assert_eq!(session.text(oid) != before, anew, "{change}");
        assert_cleared_by_policy(&mut session, table, change);
    }
    assert_eq!(session.runs("error IS NOT NULL"), 0);
    assert_eq!(session.runs("\"table\" <> 'sessions'::regclass"), 0);
    // Of a columnar table nothing can be deleted. When it is one no longer, the failures before do not count.
    session.run("CREATE EXTENSION IF NOT EXISTS citus_columnar");
    session.run("SELECT alter_table_set_access_method('sessions', 'columnar')");
    session.wait_for_run("\"table\" = 'sessions'::regclass AND sqlstate = '0A000'");
    session.run("SELECT alter_table_set_access_method('sessions', 'heap')");
    assert_cleared_by_policy(&mut session, table, "it is a heap again");
}
