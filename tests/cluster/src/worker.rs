//! The worker of the extension: setting it up in postgresql.conf, and watching it.

use crate::cluster::Cluster;
use crate::program::{output, program};
use crate::session::Session;
use crate::wait::wait_until;
use std::fs::metadata;

/// What the background workers are called in pg_stat_activity.
const LAUNCHER: &str = "raw_clear_sessions launcher";
const WORKER: &str = "raw_clear_sessions worker";

/// The setting with which there is a worker, once there is a database for it.
pub const PRELOADED: (&str, &str) = ("shared_preload_libraries", "raw_clear_sessions");

/// A schedule for which nobody has to wait.
pub const SOON: (&str, &str) = ("raw_clear_sessions.schedule", "1 s");

/// Settings at which the clearing of some hundred rows takes longer than any test: each page costs a tenth of a second.
pub const SLOW: [(&str, &str); 3] = [
    ("raw_clear_sessions.batch_size", "10"),
    ("raw_clear_sessions.cost_delay", "100"),
    ("raw_clear_sessions.cost_limit", "1"),
];

/// The setting that undoes it.
pub const FAST: [(&str, &str); 1] = [("raw_clear_sessions.cost_delay", "0")];

/// A condition for filters that a row never comes to the end of.
pub const SLOW_FUNCTION: &str = "CREATE FUNCTION slow() RETURNS boolean LANGUAGE plpgsql STABLE AS
    $$BEGIN PERFORM pg_sleep(3600); RETURN true; END$$";

impl Cluster {
    /// Makes and starts a cluster whose worker clears the tables django_session in these databases every second; with
    /// more settings, which win.
    pub fn with_worker(databases: &str, settings: &[(&str, &str)]) -> Cluster {
        let mut all = vec![
            PRELOADED,
            ("raw_clear_sessions.databases", databases),
            ("raw_clear_sessions.tables", "django_session"),
            SOON,
            // Lines of the server's own, which are not what is looked for in the log.
            ("log_checkpoints", "off"),
        ];
        all.extend_from_slice(settings);
        Cluster::with(&all)
    }

    /// Appends settings to postgresql.conf and has the server read it.
    pub fn reload(&self, settings: &[(&str, &str)]) {
        self.set(settings);
        output(
            program("pg_ctl")
                .args(["reload", "-s", "-D"])
                .arg(self.data()),
        );
    }

    /// Copies of the database that this is a session of, the last one: once by a dump, and once as a template. In both the worker
    /// goes on, and its history is empty.
    pub fn copies(&self, session: Session) -> [Session; 2] {
        let database = { session }.text("SELECT current_database()");
        let names = [format!("{database}_dumped"), format!("{database}_copied")];
        let [dumped, copied] = &names;
        self.shell(&format!(
            "createdb {dumped} && pg_dump {database} | psql -qX -v ON_ERROR_STOP=1 {dumped}"
        ));
        let mut postgres = self.connect();
        wait_until("the database can be copied", || {
            postgres
                .try_run(&format!("CREATE DATABASE {copied} TEMPLATE {database}"))
                .is_ok()
        });
        names.map(|name| {
            let mut session = self.connect_to(&name);
            session.run(
                "DELETE FROM raw_clear_sessions.history; SELECT raw_clear_sessions_resume_all()",
            );
            session
        })
    }

    /// Pauses the worker, and waits until none is left, nor on its way: a process that the launcher has asked for just before is
    /// seen by nobody until it has connected.
    pub fn pause(&self, observer: &mut Session) {
        self.reload(&[("raw_clear_sessions.paused", "on")]);
        let mut empty = 0;
        wait_until("the worker is paused", || {
            let is_empty = observer
                .yes("SELECT current_setting('raw_clear_sessions.paused')::boolean")
                && observer.workers().is_empty();
            empty = if is_empty { empty + 1 } else { 0 };
            empty == 50
        });
    }

    /// Ends the pause.
    pub fn resume(&self) {
        self.reload(&[("raw_clear_sessions.paused", "off")]);
    }

    /// The server's process.
    pub fn postmaster(&self) -> i32 {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid"));
        let file = file.expect("the server is running");
        let pid = file.lines().next().and_then(|line| line.parse().ok());
        pid.expect("postmaster.pid begins with the process id")
    }

    /// How many lines of the log hold this text.
    pub fn logged(&self, text: &str) -> usize {
        self.log()
            .lines()
            .filter(|line| line.contains(text))
            .count()
    }

    /// Waits until the log holds this text.
    pub fn wait_for_log(&self, text: &str) {
        wait_until(&format!("the log says: {text}"), || self.logged(text) > 0);
    }
}

/// Waits until a process is gone.
pub fn wait_for_end(pid: i32) {
    wait_until("the process is gone", || {
        metadata(format!("/proc/{pid}")).is_err()
    });
}

impl Cluster {
    /// Sessions of the roles alice and mallory, each with a schema of its own, in the database app, which is made.
    pub fn alice_and_mallory(&self) -> [Session; 2] {
        let database = self.database("app");
        let mut admin = database.connect();
        ["alice", "mallory"].map(|role| {
            admin.run(&format!(
                "CREATE ROLE {role} LOGIN; CREATE SCHEMA {role} AUTHORIZATION {role}"
            ));
            self.existing_database("app").connect_as(role)
        })
    }
}

impl Session {
    /// Schedules so many tables of the role many, like the table single, with an expired session each and a filter that takes
    /// half a second to give this answer.
    pub fn schedule_slow_tables(&mut self, name: &str, count: u32, schedule: &str, answer: bool) {
        self.run(&format!(
            "CREATE FUNCTION {name}() RETURNS boolean LANGUAGE plpgsql STABLE AS
                 $$BEGIN PERFORM pg_sleep(0.5); RETURN {answer}; END$$;
             DO $$ BEGIN
                 FOR i IN 1..{count} LOOP
                     EXECUTE format('CREATE TABLE {name}%s (LIKE single INCLUDING ALL)', i);
                     EXECUTE format('INSERT INTO {name}%s VALUES (1, 2, %L)', i, '2020-01-01');
                     EXECUTE format('ALTER TABLE {name}%s OWNER TO many', i);
                     PERFORM raw_clear_sessions_schedule(format('{name}%s', i)::regclass, '{schedule}', filter => 'public.{name}()');
                 END LOOP;
             END $$"
        ));
    }

    fn processes(&mut self, kind: &str) -> Vec<i32> {
        let query = format!("SELECT pid::text FROM pg_stat_activity WHERE backend_type = '{kind}'");
        let pids = self.texts(&query);
        pids.iter()
            .map(|pid| pid.parse().expect("a number"))
            .collect()
    }

    /// The launcher's process, if there is one.
    pub fn launcher(&mut self) -> Option<i32> {
        self.processes(LAUNCHER).first().copied()
    }

    /// Waits until there is a launcher.
    pub fn wait_for_launcher(&mut self) -> i32 {
        let mut found = None;
        wait_until("the launcher is there", || {
            found = self.launcher();
            found.is_some()
        });
        found.expect("was found")
    }

    /// The processes of the database workers.
    pub fn workers(&mut self) -> Vec<i32> {
        self.processes(WORKER)
    }

    /// Waits until the worker has deleted rows of this table and sleeps, which at the pace [`SLOW`] it does nearly
    /// always. Returns its process. That it sleeps is shown before the batch is committed; afterwards it has no transaction.
    pub fn wait_for_busy_worker(&mut self, table: &str) -> i32 {
        let query = format!(
            "SELECT coalesce(max(p.pid), 0) FROM raw_clear_sessions.progress AS p JOIN pg_stat_activity AS a USING (pid)
             WHERE p.\"table\" = '{table}'::regclass AND p.deleted > 0 AND p.waiting = 'cost delay' AND a.backend_xid IS NULL"
        );
        let mut pid = 0;
        wait_until("the worker is busy", || {
            pid = self.value(&query);
            pid != 0
        });
        pid
    }

    /// Waits until somebody waits for a lock on a table.
    pub fn wait_for_lock_on(&mut self, table: &str) {
        wait_until("the table is waited for", || {
            self.count(&format!(
                "pg_locks WHERE relation = '{table}'::regclass AND NOT granted"
            )) > 0
        });
    }

    /// Waits until so many rows are left.
    pub fn wait_for_count(&mut self, table: &str, rows: i64) {
        wait_until(&format!("{table} has {rows} rows"), || {
            self.count(table) == rows
        });
    }

    /// How many runs of a table have ended, with those that found nothing.
    pub fn ended_runs(&mut self, table: &str) -> i64 {
        self.number(&format!(
            "SELECT coalesce(sum(runs), 0)::bigint FROM raw_clear_sessions.status WHERE \"table\" = '{table}'::regclass"
        ))
    }

    /// The same of all tables.
    pub fn all_ended_runs(&mut self) -> i64 {
        self.number("SELECT coalesce(sum(runs), 0)::bigint FROM raw_clear_sessions.status")
    }

    /// Waits until a table has been cleared so many times more.
    pub fn wait_for_ends(&mut self, table: &str, more: i64) {
        let before = self.ended_runs(table);
        wait_until("the table has been cleared some times more", || {
            self.ended_runs(table) >= before + more
        });
    }

    /// How many runs there are in the history that meet a condition.
    pub fn runs(&mut self, condition: &str) -> i64 {
        self.count(&format!("raw_clear_sessions.run WHERE {condition}"))
    }

    /// Waits until there is a run that meets the condition.
    pub fn wait_for_run(&mut self, condition: &str) {
        wait_until(&format!("there is a run that is {condition}"), || {
            self.runs(condition) > 0
        });
    }
}

/// Adds expired rows to a session table of [`crate::create_sessions`]'s.
pub fn add_expired(session: &mut Session, table: &str, rows: u32) {
    session.run(&format!(
        "INSERT INTO {table} SELECT gen_random_uuid(), '', {} FROM generate_series(1, {rows})",
        crate::table::EXPIRED
    ));
}
