//! A hot standby, by streaming replication.

use crate::cluster::Cluster;
use crate::program::{output, program};
use crate::wait::wait_until;

impl Cluster {
    /// Makes a standby of this cluster from a base backup and starts it.
    pub fn standby(&self) -> Cluster {
        let mut standby = Cluster::in_new_folder();
        output(
            program("pg_basebackup")
                .args(["--checkpoint=fast", "--no-sync", "--write-recovery-conf"])
                .args(["--username=postgres", "--host"])
                .arg(self.folder())
                .arg("--pgdata")
                .arg(standby.data()),
        );
        standby.start();
        standby
    }

    /// Waits until a standby has replayed all that this server has written so far.
    pub fn wait_for_replay(&self, standby: &Cluster) {
        let mut here = self.connect();
        // Something to commit: WAL that no commit has flushed yet would reach the standby seconds later.
        here.run("SELECT pg_logical_emit_message(true, '', '')");
        let written = here.text("SELECT pg_current_wal_flush_lsn()::text");
        let mut there = standby.connect();
        wait_until("the standby has replayed the primary's WAL", || {
            there.yes(&format!(
                "SELECT pg_last_wal_replay_lsn() >= '{written}'::pg_lsn"
            ))
        });
    }

    /// Makes a standby a primary.
    pub fn promote(&self) {
        assert!(self.connect().yes("SELECT pg_promote()"), "not promoted");
    }
}
