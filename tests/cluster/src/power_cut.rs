//! Power cuts, as far as they can be had without cutting the power: of what a server has written to its data files since a
//! checkpoint nothing survives, and its WAL ends at some byte.
//!
//! It is the worst that can happen to data files that are never synced in between; which of them the operating system
//! would have written out in time is not played through, nor what a rewrite syncs instead of logging it (wal_level minimal).

use crate::cluster::Cluster;
use crate::program::{SERVER_USER, as_server_user, output, program};
use crate::session::Session;
use std::fs::{create_dir_all, read, remove_file, write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// The default of initdb's option --wal-segsize.
const SEGMENT: u64 = 16 * 1024 * 1024;

/// What is found in WAL behind the last byte that was written: nothing, or what a recycled file had there.
const BEHIND: [u8; 2] = [0, 0xa5];

/// What holds while a server's WAL is to be kept, and no checkpoint is to come.
pub const KEEP_WAL: [(&str, &str); 4] = [
    ("checkpoint_timeout", "1d"),
    ("wal_keep_size", "2GB"),
    // Commits that do not wait for the disk do not get there soon by themselves.
    ("wal_writer_delay", "10s"),
    ("wal_writer_flush_after", "1GB"),
];

/// The files of a server as a checkpoint left them.
pub struct Checkpoint {
    files: PathBuf,
}

impl Cluster {
    /// Makes a checkpoint and copies the files. Nobody may write meanwhile.
    pub fn checkpoint(&self) -> Checkpoint {
        let files = self.folder().join("checkpoint");
        output(
            program("pg_basebackup")
                .args(["--checkpoint=fast", "--no-sync", "--wal-method=none"])
                .args(["--username=postgres", "--host"])
                .arg(self.folder())
                .arg("--pgdata")
                .arg(&files),
        );
        // Without it the server comes up as after a crash, not as from a backup.
        remove_file(files.join("backup_label")).expect("a backup has a label");
        Checkpoint { files }
    }

    /// The server as it comes up, with more settings, when the power was cut at this moment: the files are those of the
    /// checkpoint, and the WAL ends before the byte `end`.
    pub fn after_power_cut(
        &self,
        checkpoint: &Checkpoint,
        end: u64,
        settings: &[(&str, &str)],
    ) -> Cluster {
        let mut cluster = Cluster::in_new_folder();
        let data = cluster.data();
        output(
            as_server_user(Path::new("cp"))
                .arg("-R")
                .arg(&checkpoint.files)
                .arg(&data),
        );
        copy_wal(&self.data().join("pg_wal"), &data.join("pg_wal"), end);
        cluster.set(settings);
        cluster.start();
        cluster
    }
}

/// Copies the segments of timeline 1 up to a byte.
fn copy_wal(from: &Path, to: &Path, end: u64) {
    create_dir_all(to.join("archive_status")).expect("the folder can be written");
    give_away(&to.join("archive_status"), 0o700);
    for number in 0..=end / SEGMENT {
        let name = format!("{:08X}{:08X}{:08X}", 1, number / 256, number % 256);
        // Those from before the checkpoint may have gone.
        let Ok(mut bytes) = read(from.join(&name)) else {
            continue;
        };
        let start = number * SEGMENT;
        if let Some(rest) = bytes.get_mut((end - start).min(SEGMENT) as usize..) {
            rest.fill(BEHIND[end as usize / 8 % BEHIND.len()]);
        }
        let path = to.join(&name);
        write(&path, &bytes).expect("the folder can be written");
        give_away(&path, 0o600);
    }
}

fn give_away(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("it is ours");
    if let Some(user) = *SERVER_USER {
        chown(path, Some(user.uid), Some(user.gid)).expect("root gives a file away");
    }
}

impl Session {
    /// Where the server's WAL ends that is on the disk; in bytes.
    pub fn wal_on_disk(&mut self) -> u64 {
        self.number("SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint") as u64
    }
}
