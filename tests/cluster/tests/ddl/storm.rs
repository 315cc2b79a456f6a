//! Alterations at random, exactly when a clearing waits for a lock and between its statements.
//!
//! A striker holds a lock that the clearing needs: on the table, on a leaf, or on a catalog that is read when a table is
//! opened or planned for. When the clearing waits for it, the striker alters something, and lets it go. Where a clearing
//! has many transactions, this is repeated until it ends.

use crate::runner::{Runner, Way};
use crate::world::{Tree, World};
use cluster::{Cluster, Database, Random, Tally, wait_until};

/// What the clearing can be made to wait for, besides the table and its leaves: what is read between its own locks.
const CATALOGS: [&str; 3] = [
    "pg_catalog.pg_inherits",
    "pg_catalog.pg_trigger",
    "pg_catalog.pg_statistic",
];

/// The alterations of world.sql.
const ALTERATIONS: [&str; 13] = [
    "retype",
    "column",
    "trigger",
    "key",
    "attach",
    "policy",
    "index",
    "refill",
    "swap",
    "rename",
    "cluster",
    "leaf owner",
    "owner",
];

/// How often a clearing is struck at most; then it is left to come to its end.
const STRIKES: u32 = 40;

/// Strikes a world, again and again.
struct Striker<'w> {
    world: &'w mut World,
    random: &'w mut Random,
    way: Way,
}

impl Striker<'_> {
    fn leaf(&mut self) -> String {
        let leaves = &self.world.leaves;
        leaves[self.random.below(leaves.len() as u32) as usize].clone()
    }

    /// Takes a lock that the clearing needs sooner or later; whether it came.
    fn lock(&mut self) -> bool {
        let choice = self.random.below(10);
        let target = match choice {
            0..=2 => format!("{}::oid::regclass", self.world.root),
            3..=7 => format!("{}::oid::regclass", self.leaf()),
            _ => format!("'{}'::regclass", CATALOGS[self.random.below(3) as usize]),
        };
        let lock =
            format!("BEGIN; DO $$ BEGIN EXECUTE format('LOCK TABLE ONLY %s', {target}); END $$");
        let locked = self.world.session.try_run(&lock).is_ok();
        if !locked {
            self.world.session.run("ROLLBACK");
        }
        locked
    }

    /// Alters something, or a few things, and lets go.
    fn strike(&mut self) {
        for _ in 0..=self.random.below(2) {
            let mut alteration = ALTERATIONS[self.random.below(ALTERATIONS.len() as u32) as usize];
            // The worker clears as whoever owns the table.
            if alteration == "owner" && self.way == Way::Worker {
                alteration = "retype";
            }
            let leaf = self.leaf();
            let strike = format!("SELECT book.strike('{alteration}', {leaf}::oid)");
            if self.world.session.try_run(&strike).is_err() {
                self.world.session.run("ROLLBACK");
                return;
            }
        }
        let end = if self.random.below(8) == 0 {
            "ROLLBACK"
        } else {
            "COMMIT"
        };
        // A deferred error is one of the server's, not of the clearing's.
        let _ = self.world.session.try_run(end);
        // What takes no transaction block.
        if self.random.below(10) == 0 {
            let leaf = self.leaf();
            let leaf = self
                .world
                .session
                .text(&format!("SELECT {leaf}::oid::regclass::text"));
            let _ = self.world.session.try_run(&format!("VACUUM (FULL) {leaf}"));
        }
    }

    /// Strikes the clearing once, when it waits; it may have ended before.
    fn strike_when_it_waits(&mut self, runner: &mut Runner<'_>) {
        if self.lock() {
            runner.start();
            wait_until("the clearing waits for a lock or ends", || {
                runner.waits_for_lock() || runner.has_ended()
            });
            self.strike();
        }
    }
}

/// Clears a world once, beside strikes.
fn round(world: &mut World, runner: &mut Runner<'_>, random: &mut Random, what: &str) {
    let way = runner.way();
    world.fill();
    runner.prepare();
    let rows = world.rows();
    let mut striker = Striker { world, random, way };
    for _ in 0..STRIKES {
        striker.strike_when_it_waits(runner);
        if runner.has_ended() {
            break;
        }
    }
    runner.start();
    let done = runner.finish(what);
    if way == Way::Preview {
        assert_eq!(world.rows(), rows, "{what}: a preview deletes nothing");
    } else if done {
        assert_eq!(world.left_behind(), 0, "{what}: it said that it is done");
    }
    world.audit(what);
}

/// Has storms go over a table that is cleared in one way.
pub fn storm(
    cluster: &Cluster,
    database: &Database<'_>,
    tree: Tree,
    way: Way,
    rounds: u32,
    seed: u32,
) {
    let what = format!("{way:?} of {tree:?}");
    // A table with a trigger is not rewritten.
    let mut world = World::new(database, tree, way != Way::Rewrite);
    let mut runner = Runner::new(database, &world, way);
    let mut random = Random::new(seed.into());
    world
        .session
        .run(&format!("SELECT setseed({}::float8 / 1000)", seed % 1000));
    for number in 0..rounds {
        let what = format!("{what}, seed {seed}, round {number}");
        round(&mut world, &mut runner, &mut random, &what);
    }
    assert_unharmed(cluster, &what);
    let (made, refused) = world.struck();
    eprintln!(
        "{what}: {made} alterations, {refused} refused; {}",
        runner.outcomes()
    );
    assert!(made > 0, "{what}: a storm was meant to be");
    Tally {
        rounds: rounds.into(),
        deleted: runner.deleted(),
        ..Tally::default()
    }
    .report(&format!("alterations, {what}"));
}

/// Asserts that no process of the server has crashed.
pub fn assert_unharmed(cluster: &Cluster, what: &str) {
    for harm in ["was terminated by signal", "TRAP:", "PANIC:"] {
        assert_eq!(cluster.logged(harm), 0, "{what}: the log has {harm}");
    }
}
