//! A power cut at any byte of the WAL, with all else that was not synced lost: what a caller was told is done is done, in
//! each way of clearing, and nothing is damaged.

use cluster::{
    Cluster, KEEP_WAL, LIVE, Pass, Random, Session, Tally, assert_sound, crashes, create_sessions,
    fingerprint, wait_until,
};

const ROWS: i64 = 3000;
const EXPIRED_ROWS: i64 = 2700;

/// What clears a table.
#[derive(Clone, Copy, Debug)]
enum Way {
    Function(Pass),
    Procedure(Pass),
    Worker,
    Rewrite,
}

/// Those first whose batches do not wait for the disk.
const WAYS: [Way; 8] = [
    Way::Procedure(Pass::Heap),
    Way::Worker,
    Way::Rewrite,
    Way::Function(Pass::Heap),
    Way::Procedure(Pass::Index),
    Way::Procedure(Pass::Sql),
    Way::Function(Pass::Index),
    Way::Function(Pass::Sql),
];

/// A clearing: its table, and where the WAL ended when it began and when its caller was told that it is done.
struct Clearing {
    way: Way,
    table: String,
    begun: u64,
    acknowledged: u64,
}

impl Way {
    fn clear(self, session: &mut Session, table: &str) {
        let statement = match self {
            Way::Function(pass) => {
                pass.choose(session, table);
                format!("SELECT raw_clear_sessions('{table}')")
            }
            Way::Procedure(pass) => {
                pass.choose(session, table);
                format!("CALL raw_clear_sessions_in_batches('{table}', batch_size => 100)")
            }
            Way::Rewrite => format!("SELECT raw_clear_sessions_rewrite('{table}')"),
            Way::Worker => {
                session.run(&format!(
                    "SELECT raw_clear_sessions_schedule('{table}', '1 s', batch_size => 100)"
                ));
                return session.wait_for_run(&format!(
                    "caller IS NULL AND stop = 'done' AND deleted = {EXPIRED_ROWS}"
                ));
            }
        };
        assert_eq!(session.number(&statement), EXPIRED_ROWS, "{self:?}");
    }

    fn in_batches(self) -> bool {
        matches!(self, Way::Procedure(_) | Way::Worker)
    }
}

impl Clearing {
    fn run(way: Way, table: String, session: &mut Session, observer: &mut Session) -> Clearing {
        let begun = observer.wal_on_disk();
        way.clear(session, &table);
        let acknowledged = observer.wal_on_disk();
        if let Way::Worker = way {
            session.run(&format!("SELECT raw_clear_sessions_unschedule('{table}')"));
        }
        Clearing {
            way,
            table,
            begun,
            acknowledged,
        }
    }

    /// What must hold if the power was cut at this byte.
    fn assert_truth(&self, session: &mut Session, cut: u64, live: &str) {
        let what = format!("{:?}, cut at {cut}", self.way);
        let left = session.count(&self.table) - (ROWS - EXPIRED_ROWS);
        if cut >= self.acknowledged {
            assert_eq!(left, 0, "{what}: it had been acknowledged");
        } else if cut <= self.begun {
            assert_eq!(left, EXPIRED_ROWS, "{what}: it had not begun");
        } else if !self.way.in_batches() {
            assert!(left == 0 || left == EXPIRED_ROWS, "{what}: {left} are left");
        }
        assert_eq!(live_rows(session, &self.table), live, "{what}");
        assert_sound(session, &self.table);
    }
}

fn live_rows(session: &mut Session, table: &str) -> String {
    fingerprint(
        session,
        &format!("(SELECT * FROM {table} WHERE expire_date = {LIVE})"),
    )
}

#[test]
fn after_a_power_cut_everything_that_was_acknowledged_is_done() {
    let mut settings = vec![
        ("raw_clear_sessions.tables", ""),
        ("raw_clear_sessions.cost_delay", "0"),
    ];
    settings.extend_from_slice(&KEEP_WAL);
    let primary = Cluster::with_worker("app", &settings);
    let mut session = primary.database("app").with_checks().connect();
    let mut observer = primary.connect();
    let tables = WAYS.map(|way| format!("{way:?}").replace(['(', ')'], "_").to_lowercase());
    for table in &tables {
        create_sessions(&mut session, table, ROWS as u32, 10);
    }
    let live = live_rows(&mut session, &tables[0]);
    let checkpoint = primary.checkpoint();
    let clearings: Vec<_> = WAYS
        .into_iter()
        .zip(tables)
        .map(|(way, table)| Clearing::run(way, table, &mut session, &mut observer))
        .collect();
    let (first, last) = (clearings[0].begun, observer.wal_on_disk());

    let (mut random, mut tally) = (Random::new(3), Tally::default());
    for round in 0..crashes(6) as usize {
        // In turn: at the very moment of an acknowledgement, and anywhere.
        let cut = match round % 2 {
            0 => clearings[round / 2 % clearings.len()].acknowledged,
            _ => first + u64::from(random.below((last - first) as u32)),
        };
        let cluster =
            primary.after_power_cut(&checkpoint, cut, &[("raw_clear_sessions.paused", "on")]);
        let mut session = cluster.connect_to("app");
        for clearing in &clearings {
            clearing.assert_truth(&mut session, cut, &live);
        }
        // What a run that was cut off tells is what it had come to at least.
        let lies = "(stop = 'done') <> (ended IS NOT NULL) OR ended IS NOT NULL AND deleted <> 2700 OR deleted > 2700";
        assert_eq!(session.runs(lies), 0, "the history, cut at {cut}");
        tally.rounds += 1;
        tally.kills += 1;
    }
    tally.deleted = EXPIRED_ROWS * clearings.len() as i64;
    tally.report("power cut: every way");
}

#[test]
fn what_a_caller_has_done_before_a_call_is_as_durable_as_without_it() {
    let primary = Cluster::with(&KEEP_WAL);
    let database = primary.database("app");
    let (mut session, mut observer) = (database.connect(), database.connect());
    create_sessions(&mut session, "s", ROWS as u32, 10);
    session.run("CREATE TABLE audit (event text); SET raw_clear_sessions.cost_delay = '1 s'; SET raw_clear_sessions.cost_limit = 1");
    let checkpoint = primary.checkpoint();
    let running = session.start(
        "DO $$ DECLARE n bigint; BEGIN
            INSERT INTO audit VALUES ('cleared');
            CALL raw_clear_sessions_in_batches('s', batch_size => 100, deleted => n);
        END $$",
    );
    wait_until("the caller's row is there", || observer.count("audit") == 1);
    let cut = observer.wal_on_disk();
    running.cancel();
    let _ = running.finish();
    let cluster = primary.after_power_cut(&checkpoint, cut, &[]);
    assert_eq!(cluster.connect_to("app").count("audit"), 1);
}

/// Where there is no worker, there is no history, whose row would take the batches along to the disk.
#[test]
fn a_call_without_a_history_is_done_for_good_when_it_returns() {
    let primary = Cluster::with(&KEEP_WAL);
    let database = primary.database("app");
    let (mut session, mut observer) = (database.connect(), database.connect());
    create_sessions(&mut session, "s", ROWS as u32, 10);
    let checkpoint = primary.checkpoint();
    Way::Procedure(Pass::Heap).clear(&mut session, "s");
    let cut = observer.wal_on_disk();
    let cluster = primary.after_power_cut(&checkpoint, cut, &[]);
    assert_eq!(cluster.connect_to("app").count("s"), ROWS - EXPIRED_ROWS);
}
