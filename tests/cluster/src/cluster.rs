//! One cluster: a data directory, the server on it, its log and its socket, all in one folder.

use crate::database::Database;
use crate::guardian::Guardian;
use crate::limit::OPTION;
use crate::process::kill;
use crate::program::{Programs, output, program, shell};
use crate::session::Session;
use crate::wait::wait_until;
use crate::worker::wait_for_end;
use postgres::{Config, NoTls};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions, read_to_string};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

/// How a server is stopped, as pg_ctl names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// In order, with a checkpoint, when all clients have left.
    Smart,
    /// In order, with a checkpoint.
    Fast,
    /// As a crash: the next start recovers.
    Immediate,
}

/// How much of the server's log a failing test shows.
const LOG_LINES: usize = 60;

/// A cluster, stopped and removed when dropped.
pub struct Cluster {
    server: Option<Child>,
    guardian: Guardian,
    programs: Programs,
    /// What its server has in its environment besides.
    pub(crate) environment: Vec<(&'static str, PathBuf)>,
}

impl Cluster {
    /// The cluster with ordinary settings that all tests of one program share, each in a database of its own. It is
    /// started by the first, and its guardian removes it after the last.
    pub fn shared() -> &'static Cluster {
        static SHARED: LazyLock<Cluster> = LazyLock::new(|| Cluster::with(&[]));
        &SHARED
    }

    /// Makes and starts a cluster with these settings.
    pub fn with(settings: &[(&str, &str)]) -> Cluster {
        Cluster::made_by(Programs::tested(), &[], settings)
    }

    /// Makes and starts a cluster of any PostgreSQL, with further arguments for initdb.
    pub fn made_by(programs: Programs, arguments: &[&str], settings: &[(&str, &str)]) -> Cluster {
        let mut cluster = Cluster::in_new_folder();
        cluster.programs = programs;
        output(
            cluster
                .programs
                .command("initdb")
                .args(["-U", "postgres", "--auth=trust", "--encoding=UTF8"])
                .args(["--no-locale", "--no-sync", "--no-instructions", "-D"])
                .arg(cluster.data())
                .args(arguments),
        );
        cluster.set(&[
            ("fsync", "off"),
            ("autovacuum", "off"),
            ("max_wal_size", "4GB"),
            ("log_line_prefix", "%m [%p] %q%d %a "),
        ]);
        cluster.set(settings);
        cluster.start();
        cluster
    }

    /// A cluster whose data directory is still missing.
    pub(crate) fn in_new_folder() -> Cluster {
        Cluster {
            server: None,
            guardian: Guardian::new(),
            programs: Programs::tested(),
            environment: Vec::new(),
        }
    }

    /// Where the socket is, which clients take for the host.
    pub fn folder(&self) -> &Path {
        self.guardian.folder()
    }

    pub fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// Appends settings to postgresql.conf; the later one of two wins. They count from the next start or reload on.
    pub fn set(&self, settings: &[(&str, &str)]) {
        let mut lines = String::new();
        for (name, value) in settings {
            writeln!(lines, "{name} = '{}'", value.replace('\'', "''")).expect("into a string");
        }
        self.add_lines(&lines);
    }

    /// Appends lines to postgresql.conf as they are.
    pub fn add_lines(&self, lines: &str) {
        OpenOptions::new()
            .append(true)
            .open(self.data().join("postgresql.conf"))
            .and_then(|mut file| file.write_all(lines.as_bytes()))
            .expect("postgresql.conf can be written");
    }

    /// Starts the server and waits until it takes connections.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts the server with these arguments, too.
    pub fn start_with(&mut self, arguments: &[&str]) {
        assert!(self.server.is_none(), "the server is running");
        let folder = self.folder().to_str().expect("a plain path").to_owned();
        self.set(&[
            ("listen_addresses", ""),
            ("unix_socket_directories", &folder),
        ]);
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("the log can be written");
        let server = self
            .programs
            .command("postgres")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .arg("-D")
            .arg(self.data())
            .args(arguments)
            .stdout(log.try_clone().expect("a file has two handles"))
            .stderr(log)
            .stdin(File::open("/dev/null").expect("there is /dev/null"))
            .spawn()
            .expect("the server can be started");
        self.server = Some(server);
        self.wait_for_connections();
    }

    /// Runs a statement in single-user mode, while the server is stopped, and returns what that printed.
    pub fn single_user(&self, statement: &str) -> String {
        let file = self.folder().join("statement");
        std::fs::write(&file, statement).expect("the folder can be written");
        output(
            self.programs
                .command("postgres")
                .args(["--single", "-D"])
                .arg(self.data())
                .arg("postgres")
                .stdin(File::open(&file).expect("it was written just now")),
        )
    }

    /// Waits until the server takes connections, after a start or after a crash of one of its backends.
    pub fn wait_for_connections(&self) {
        wait_until("the server takes connections", || {
            self.config().dbname("postgres").connect(NoTls).is_ok()
        });
    }

    /// Stops the server.
    pub fn stop(&mut self, shutdown: Shutdown) {
        let mode = match shutdown {
            Shutdown::Smart => "smart",
            Shutdown::Fast => "fast",
            Shutdown::Immediate => "immediate",
        };
        output(
            program("pg_ctl")
                .args(["stop", "-s", "-w", "-m", mode, "-D"])
                .arg(self.data()),
        );
        self.reap();
    }

    /// Ends the server's first process, and none of the others, by SIGKILL, as the operating system does when memory
    /// is short. Returns when the others have noticed it and are gone, so that the next start finds nobody.
    pub fn kill(&mut self) {
        let pids = self
            .connect()
            .texts("SELECT pid::text FROM pg_stat_activity");
        kill(self.postmaster());
        self.reap();
        for pid in pids {
            wait_for_end(pid.parse().expect("a number"));
        }
    }

    fn reap(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.wait().expect("the server was our child");
        }
    }

    /// Connection parameters: this server, the superuser.
    pub fn config(&self) -> Config {
        let mut config = Config::new();
        config
            .host_path(self.folder())
            .user("postgres")
            .options(OPTION);
        config
    }

    /// A database with the extension in it, for one test; `name` is the test's.
    pub fn database(&self, name: &str) -> Database<'_> {
        let database = self.bare_database(name);
        database
            .connect()
            .run("CREATE EXTENSION raw_clear_sessions");
        database
    }

    /// A new database without the extension.
    pub fn bare_database(&self, name: &str) -> Database<'_> {
        self.connect().run(&format!("CREATE DATABASE {name}"));
        Database::new(self, name)
    }

    /// A database that is there already, on a standby or after a restart.
    pub fn existing_database(&self, name: &str) -> Database<'_> {
        Database::new(self, name)
    }

    /// A session of the superuser's in such a database.
    pub fn connect_to(&self, database: &str) -> Session {
        self.existing_database(database).connect()
    }

    /// A session of the superuser's in the database postgres.
    pub fn connect(&self) -> Session {
        self.connect_to("postgres")
    }

    /// Runs a client program of PostgreSQL's against this server, and returns what it printed.
    pub fn client(&self, name: &str, arguments: &[&str]) -> String {
        output(self.client_command(name).args(arguments))
    }

    /// Starts such a program and does not wait for it.
    pub fn spawn_client(&self, name: &str, arguments: &[&str]) -> Child {
        self.client_command(name)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the client program can be started")
    }

    /// The same, for who wants to know what it says.
    pub fn spawn_heard_client(&self, name: &str, arguments: &[&str]) -> Child {
        self.client_command(name)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the client program can be started")
    }

    /// Runs a line of a shell script, which finds the programs of PostgreSQL and this server.
    pub fn shell(&self, line: &str) -> String {
        output(
            shell(line)
                .env("PGHOST", self.folder())
                .env("PGUSER", "postgres"),
        )
    }

    fn client_command(&self, name: &str) -> Command {
        let mut command = self.programs.command(name);
        command
            .env("PGHOST", self.folder())
            .env("PGUSER", "postgres")
            .env("PGOPTIONS", OPTION);
        command
    }

    /// In the folder that RCS_LOGS names, the log is still there when the cluster is gone.
    fn log_path(&self) -> PathBuf {
        let name = self.folder().file_name().expect("the folder has a name");
        match std::env::var_os("RCS_LOGS") {
            Some(logs) => PathBuf::from(logs).join(name).with_extension("log"),
            None => self.folder().join("log"),
        }
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Shows the end of the server's log, for a test that is failing.
    pub(crate) fn show_log(&self) {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        let start = lines.len().saturating_sub(LOG_LINES);
        eprintln!(
            "the server in {} said last:\n{}",
            self.folder().display(),
            lines[start..].join("\n")
        );
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show_log();
        }
        if self.server.is_some() {
            self.stop(Shutdown::Immediate);
        }
    }
}
