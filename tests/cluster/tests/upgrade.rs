//! pg_upgrade, from each older major version that is staged here, and from the version under test to itself.

use cluster::{
    Cluster, Programs, Shutdown, add_expired, create_sessions, definitions, difference,
    fingerprint, output,
};

const PRELOADED: (&str, &str) = ("shared_preload_libraries", "raw_clear_sessions");
const NOT_PRELOADED: (&str, &str) = ("shared_preload_libraries", "");

/// A cluster whose worker would clear the database app every second. Both have checksums, or pg_upgrade would refuse:
/// which is the default depends on the version.
fn make_cluster(programs: Programs) -> Cluster {
    let settings = [
        PRELOADED,
        ("raw_clear_sessions.databases", "app"),
        ("raw_clear_sessions.schedule", "1 s"),
    ];
    Cluster::made_by(programs, &["--data-checksums"], &settings)
}

fn pg_upgrade(from: &Programs, old: &Cluster, new: &Cluster) {
    let to = Programs::tested();
    let folders = [
        ("-b", from.folder()),
        ("-B", to.folder()),
        ("-d", &old.data()),
        ("-D", &new.data()),
        ("-s", new.folder()),
    ];
    let mut command = to.command("pg_upgrade");
    for (option, folder) in folders {
        command.arg(option).arg(folder);
    }
    // It leaves a script where it runs.
    output(command.args(["-U", "postgres"]).current_dir(new.folder()));
}

fn restart(cluster: &mut Cluster, setting: (&str, &str)) {
    cluster.stop(Shutdown::Fast);
    cluster.set(&[setting]);
    cluster.start();
}

/// What has to be the same afterwards, in words that do not depend on oids.
fn contents(cluster: &Cluster) -> Vec<String> {
    let mut session = cluster.connect_to("app");
    let tables = [
        "django_session",
        "raw_clear_sessions.policy",
        "raw_clear_sessions.history",
        "raw_clear_sessions.state",
    ];
    tables
        .iter()
        .map(|table| fingerprint(&mut session, table))
        .collect()
}

/// A cluster with policies, a history, and expired rows that the worker has not seen; it is not running.
fn make_old(programs: &Programs) -> (Cluster, Vec<String>) {
    let mut old = make_cluster(programs.clone());
    let mut session = old.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    session.run(
        "CREATE TABLE token (ends bigint, kind text);
         SELECT raw_clear_sessions_schedule('django_session', '1 s', keep => '1 day');
         SELECT raw_clear_sessions_schedule('token', '0 3 * * *', expires => 'ends + 60', unit => 'seconds',
             filter => $$kind = 'session'$$, batch_size => 100, max_duration => '1 hour');",
    );
    session.wait_for_run("deleted = 900 AND stop = 'done'");
    restart(&mut old, NOT_PRELOADED);
    add_expired(&mut old.connect_to("app"), "django_session", 50);
    let contents = contents(&old);
    old.stop(Shutdown::Fast);
    old.set(&[PRELOADED]);
    (old, contents)
}

fn upgrade_from(programs: &Programs) {
    let (old, before) = make_old(programs);
    let mut new = make_cluster(Programs::tested());
    new.stop(Shutdown::Fast);
    pg_upgrade(programs, &old, &new);

    new.set(&[NOT_PRELOADED]);
    new.start();
    // The fifty expired rows as well: both servers that pg_upgrade starts have the library preloaded.
    assert_eq!(contents(&new), before);
    let mut session = new.connect_to("app");
    let last = session.number("SELECT max(id) FROM raw_clear_sessions.run");
    restart(&mut new, PRELOADED);
    let mut session = new.connect_to("app");
    session.wait_for_count("django_session", 100);
    session.wait_for_run(&format!("deleted = 50 AND stop = 'done' AND id > {last}"));

    session.run("DROP TABLE django_session, token");
    let fresh = new.database("fresh");
    let upgraded = new.existing_database("app");
    let difference = difference(&definitions(&upgraded), &definitions(&fresh));
    assert_eq!(difference, "", "upgraded (-), fresh (+)");
}

#[test]
fn policies_and_history_survive_pg_upgrade_during_which_no_worker_runs() {
    for programs in Programs::older().iter().chain([&Programs::tested()]) {
        println!("from {}", programs.folder().display());
        upgrade_from(programs);
    }
}
