//! The server's programs: where they are, as whom and in which environment they run.

use std::env;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

/// The programs of one PostgreSQL, all in one folder.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
}

/// Those of the PostgreSQL under test.
static TESTED: LazyLock<Programs> = LazyLock::new(|| Programs {
    folder: env::var_os("RCS_PGBIN")
        .expect("RCS_PGBIN names the folder of the server's programs: run scripts/check cluster")
        .into(),
});

impl Programs {
    /// The PostgreSQL under test.
    pub fn tested() -> Programs {
        TESTED.clone()
    }

    /// Those of older major versions that are here with the extension, as RCS_OLDER_PGBIN lists them.
    pub fn older() -> Vec<Programs> {
        let folders = env::var_os("RCS_OLDER_PGBIN").unwrap_or_default();
        let folders = env::split_paths(&folders).filter(|folder| !folder.as_os_str().is_empty());
        folders.map(|folder| Programs { folder }).collect()
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// One of them, as the user of the servers.
    pub fn command(&self, name: &str) -> Command {
        as_server_user(&self.folder.join(name))
    }
}

/// PostgreSQL refuses to run as root, which therefore names another user.
pub static SERVER_USER: LazyLock<Option<User>> = LazyLock::new(|| {
    let name = env::var("RCS_USER").ok()?;
    Some(User {
        uid: id("-u", &name),
        gid: id("-g", &name),
    })
});

#[derive(Clone, Copy, Debug)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
}

fn id(option: &str, name: &str) -> u32 {
    let output = output(Command::new("id").args([option, name]));
    output.trim().parse().expect("id prints a number")
}

/// A program of the PostgreSQL under test.
pub fn program(name: &str) -> Command {
    TESTED.command(name)
}

/// A line of a shell script, which finds these programs first.
pub fn shell(line: &str) -> Command {
    let mut command = as_server_user(Path::new("/bin/sh"));
    let path = env::var("PATH").unwrap_or_default();
    command
        .args(["-c", line])
        .env("PATH", format!("{}:{path}", TESTED.folder().display()));
    command
}

/// Any program, as the user of the servers. What libpq, initdb and the server would take from our environment is
/// removed. RUST_BACKTRACE would put a backtrace into the DETAIL of every ERROR.
pub fn as_server_user(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("PG") || text.starts_with("LC_") || text == "LANGUAGE" {
            command.env_remove(&name);
        }
    }
    command
        .env_remove("RUST_BACKTRACE")
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .current_dir("/");
    if let Some(user) = *SERVER_USER {
        command.uid(user.uid).gid(user.gid);
    }
    // A process group of its own: Ctrl-C at the terminal is for the test program, whose end ends the servers in order.
    command.process_group(0);
    command
}

/// Runs a command to its end and returns what it wrote to its standard output; panics with all it said if it failed.
pub fn output(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stdout = String::from_utf8_lossy(&stdout).into_owned();
    assert!(
        status.success(),
        "{command:?}: {status}\n{stdout}{}",
        String::from_utf8_lossy(&stderr)
    );
    stdout
}
