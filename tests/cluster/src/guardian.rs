//! A cluster must not outlive the test program, whether that ends well, panics, or is killed.

use crate::program::{SERVER_USER, as_server_user, program};
use std::env::temp_dir;
use std::fs::create_dir;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio, id};
use std::sync::atomic::{AtomicU32, Ordering};

/// Reads its standard input to the end, which comes when nobody holds the other end of the pipe any more: then stops
/// the server and removes the folder. Its arguments: pg_ctl and the folder.
const SCRIPT: &str = r#"
cat >/dev/null
if [ -f "$2/data/postmaster.pid" ]; then "$1" stop -s -D "$2/data" -m immediate; fi
rm -rf "$2"
"#;

/// A folder with a cluster in it, and the process that looks after both.
pub struct Guardian {
    process: Child,
    folder: PathBuf,
}

impl Guardian {
    /// Makes a folder with a path that is short enough for a socket in it.
    pub fn new() -> Guardian {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let pg_ctl = program("pg_ctl");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = temp_dir().join(format!("rcs-{}-{number}", id()));
        create_dir(&folder).expect("the folder for temporary files can be written");
        if let Some(user) = *SERVER_USER {
            chown(&folder, Some(user.uid), Some(user.gid)).expect("root gives a folder away");
        }
        let process = as_server_user(Path::new("/bin/sh"))
            .args(["-c", SCRIPT, "guardian"])
            .arg(pg_ctl.get_program())
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("there is a shell");
        Guardian { process, folder }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // A guardian that was killed has left its folder; there is nothing better to do about it here.
        let _ = self.process.wait();
    }
}
