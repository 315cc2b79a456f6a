//! A hot standby, by streaming replication.

use crate::cluster::Cluster;
use crate::program::{output, program, shell};
use crate::wait::wait_until;

impl Cluster {
    /// Makes a standby of this cluster from a base backup and starts it.
    pub fn standby(&self) -> Cluster {
        let mut standby = self.backup(&["--write-recovery-conf"]);
        standby.start();
        standby
    }

    /// A base backup of this cluster, not started yet, with further arguments for pg_basebackup.
    pub fn backup(&self, arguments: &[&str]) -> Cluster {
        let backup = Cluster::in_new_folder();
        output(
            program("pg_basebackup")
                .args(["--checkpoint=fast", "--no-sync"])
                .args(["--username=postgres", "--host"])
                .arg(self.folder())
                .arg("--pgdata")
                .arg(backup.data())
                .args(arguments),
        );
        backup
    }

    /// Starts a backup, has it recover to a point in time by the WAL that `primary` has kept, and waits until it is a
    /// server of its own.
    pub fn recover_to(&mut self, primary: &Cluster, target: (&str, &str)) {
        primary.connect().run("SELECT pg_switch_wal()");
        let wal = primary.data().join("pg_wal");
        self.set(&[
            ("restore_command", &format!("cp {}/%f %p", wal.display())),
            ("recovery_target_action", "promote"),
            target,
        ]);
        output(shell("touch \"$0\"").arg(self.data().join("recovery.signal")));
        self.start();
        wait_until("the recovery is over", || {
            !self.connect().yes("SELECT pg_is_in_recovery()")
        });
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
