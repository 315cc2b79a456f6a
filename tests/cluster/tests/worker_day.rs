//! A day of a site in a minute or so: whatever happens, at its end each table has been cleared, or its status says why not, and
//! what the alerts go by does, too.

use cluster::{
    Cluster, Random, Session, Shutdown, Tally, add_expired, create_sessions, rounds, seed,
    wait_until,
};

/// What keeps a table from being cleared, as long as it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A trigger that raises an error.
    Trigger,
    /// Row-level security hides the rows from their owner, as whom the worker acts.
    Hidden,
    /// The policy rests, or the table of the setting is gone under another name.
    Resting,
    /// A session holds a lock on the table.
    Locked,
}

const FAULTS: [Fault; 4] = [Fault::Trigger, Fault::Hidden, Fault::Resting, Fault::Locked];

struct Table {
    database: String,
    name: &'static str,
    fault: Option<Fault>,
    /// It was made with its database, and not copied with it: then its policy is not one that was restored.
    is_original: bool,
}

impl Table {
    fn has_policy(&self) -> bool {
        self.name != "django_session"
    }

    /// The table's name now.
    fn named(&self) -> &'static str {
        match (self.fault, self.has_policy()) {
            (Some(Fault::Resting), false) => "put_away",
            _ => self.name,
        }
    }

    fn begin(&mut self, fault: Fault, session: &mut Session) {
        let name = self.name;
        session.run(&match fault {
            Fault::Trigger => format!(
                "CREATE TRIGGER broken BEFORE DELETE ON {name} FOR EACH ROW EXECUTE FUNCTION broken()"
            ),
            Fault::Hidden => {
                format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
            }
            Fault::Resting if self.has_policy() => {
                format!("SELECT raw_clear_sessions_suspend('{name}')")
            }
            Fault::Resting => format!("ALTER TABLE {name} RENAME TO put_away"),
            Fault::Locked => format!("BEGIN; LOCK TABLE {name}"),
        });
        self.fault = Some(fault);
    }

    fn end(&mut self, session: &mut Session) {
        let name = self.name;
        session.run(&match self.fault.take() {
            Some(Fault::Trigger) => format!("DROP TRIGGER broken ON {name}"),
            Some(Fault::Hidden) => format!(
                "ALTER TABLE {name} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY"
            ),
            Some(Fault::Resting) if self.has_policy() => {
                format!("SELECT raw_clear_sessions_resume('{name}')")
            }
            Some(Fault::Resting) => format!("ALTER TABLE put_away RENAME TO {name}"),
            Some(Fault::Locked) | None => return,
        });
    }
}

/// The site, and who makes its day.
struct Day {
    cluster: Cluster,
    random: Random,
    tables: Vec<Table>,
    /// Sessions that hold locks, and on which table.
    holders: Vec<(String, &'static str, Session)>,
    databases: u32,
    kills: u64,
}

const TABLES: [&str; 3] = ["django_session", "own", "limited"];

const SETTINGS: &[(&str, &str)] = &[
    ("raw_clear_sessions.max_workers", "3"),
    ("raw_clear_sessions.lock_timeout", "200ms"),
    ("raw_clear_sessions.cost_delay", "0"),
    // A server that is made to crash again and again comes back as after the first time.
    ("restart_after_crash", "on"),
];

impl Day {
    fn begin() -> Day {
        let mut day = Day {
            cluster: Cluster::with_worker("*", SETTINGS),
            random: Random::new(seed().into()),
            tables: Vec::new(),
            holders: Vec::new(),
            databases: 0,
            kills: 0,
        };
        day.cluster.connect().run("CREATE ROLE site");
        for name in ["first", "second"] {
            drop(day.cluster.database(name));
            let mut session = day.connect(name);
            session.run(
                "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'broken'; END$$",
            );
            for table in TABLES {
                create_sessions(&mut session, table, 100, 10);
                session.run(&format!("ALTER TABLE {table} OWNER TO site"));
            }
            session.run(
                "SELECT raw_clear_sessions_schedule('own', '2 s');
                 SELECT raw_clear_sessions_schedule('limited', '1 s', max_rows => 30)",
            );
            day.add_tables(name, true);
        }
        day
    }

    fn add_tables(&mut self, database: &str, is_original: bool) {
        self.tables.extend(TABLES.map(|name| Table {
            database: database.to_owned(),
            name,
            fault: None,
            is_original,
        }));
    }

    /// A session of the superuser's that waits for no standby.
    fn connect(&self, database: &str) -> Session {
        self.cluster.wait_for_connections();
        let mut session = self.cluster.connect_to(database);
        session.run("SET synchronous_commit = local");
        session
    }

    fn any_table(&mut self) -> usize {
        let tables = u32::try_from(self.tables.len()).expect("they are few");
        self.random.below(tables) as usize
    }

    /// What a crash ends.
    fn after_a_crash(&mut self) {
        self.kills += 1;
        for (database, name, _) in self.holders.drain(..) {
            let is_it = |table: &&mut Table| table.database == database && table.name == name;
            if let Some(table) = self.tables.iter_mut().find(is_it) {
                table.fault = None;
            }
        }
    }

    /// One thing that happens.
    fn event(&mut self) {
        let index = self.any_table();
        let (database, name) = (
            self.tables[index].database.clone(),
            self.tables[index].named(),
        );
        let is_locked = self.tables[index].fault == Some(Fault::Locked);
        match self.random.below(16) {
            0..=3 if !is_locked => add_expired(&mut self.connect(&database), name, 50),
            4 | 5 => self.begin_fault(index),
            6 | 7 => self.end_fault(index),
            8 if !is_locked => {
                // Whichever of them is refused, because a trigger or policy is of that column, is no matter.
                let statement = ["VACUUM FULL", "ANALYZE", "REINDEX TABLE", "CLUSTER"];
                let statement = statement[self.random.below(3) as usize];
                self.connect(&database).run(&format!("{statement} {name}"));
            }
            9 => {
                let paused = ["on", "off"][self.random.below(2) as usize];
                self.cluster
                    .reload(&[("raw_clear_sessions.paused", paused)]);
            }
            10 => {
                let standby = ["gone", ""][self.random.below(2) as usize];
                self.cluster
                    .reload(&[("synchronous_standby_names", standby)]);
            }
            11 => {
                let mut session = self.connect("postgres");
                if let Some(worker) = session.workers().first() {
                    session.run(&format!("SELECT pg_terminate_backend({worker})"));
                }
            }
            12 => {
                let mut other = self.connect("postgres");
                if let Some(worker) = other.workers().first().copied()
                    && cluster::pause(worker)
                    && is_stopped(worker)
                {
                    cluster::kill(worker);
                    wait_until("the server ends all sessions", || {
                        other.try_run("SELECT 1").is_err()
                    });
                    self.after_a_crash();
                }
            }
            13 => {
                self.cluster.stop(Shutdown::Immediate);
                self.cluster.start();
                self.after_a_crash();
            }
            14 => self.create_database(),
            15 => self.drop_database(),
            _ => {}
        }
    }

    fn begin_fault(&mut self, index: usize) {
        let table = &self.tables[index];
        if table.fault.is_some() {
            return;
        }
        let fault = FAULTS[self.random.below(4) as usize];
        let mut session = self.connect(&table.database.clone());
        let table = &mut self.tables[index];
        table.begin(fault, &mut session);
        if fault == Fault::Locked {
            self.holders
                .push((table.database.clone(), table.name, session));
        }
    }

    fn end_fault(&mut self, index: usize) {
        let database = self.tables[index].database.clone();
        let mut session = self.connect(&database);
        let table = &mut self.tables[index];
        table.end(&mut session);
        let name = table.name;
        self.holders
            .retain(|(of, held, _)| (of, *held) != (&database, name));
    }

    /// Of one that nobody is in: the worker makes way.
    fn create_database(&mut self) {
        let template = ["first", "second"][self.random.below(2) as usize];
        if self
            .holders
            .iter()
            .any(|(database, ..)| database == template)
            || self.databases >= 4
        {
            return;
        }
        let name = format!("copy{}", self.databases);
        self.databases += 1;
        let mut session = self.connect("postgres");
        wait_until("nobody is in the template", || {
            session
                .try_run(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
                .is_ok()
        });
        let of = self
            .tables
            .iter()
            .filter(|table| table.database == template);
        let copies: Vec<_> = of
            .map(|table| Table {
                database: name.clone(),
                is_original: false,
                ..*table
            })
            .collect();
        self.tables.extend(copies);
    }

    fn drop_database(&mut self) {
        let copy = self.tables.iter().find(|table| !table.is_original);
        let Some(name) = copy.map(|table| table.database.clone()) else {
            return;
        };
        self.holders.retain(|(database, ..)| *database != name);
        self.connect("postgres")
            .run(&format!("DROP DATABASE {name} WITH (FORCE)"));
        self.tables.retain(|table| table.database != name);
    }

    /// Nothing is wrong with the server as a whole any more.
    fn end(&mut self) {
        self.cluster.reload(&[
            ("raw_clear_sessions.paused", "off"),
            ("synchronous_standby_names", ""),
        ]);
    }
}

/// Whether a process is there, which has been paused: it may have ended before.
fn is_stopped(pid: i32) -> bool {
    let mut state = String::new();
    wait_until("the process is stopped, or has ended", || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        state = stat.split(") ").nth(1).unwrap_or("Z").to_owned();
        state.starts_with(['T', 'Z', 'X'])
    });
    state.starts_with('T')
}

/// What the alerts RawClearSessionsWorkerOff, Problem, Suspended, and NotSucceeded go by (monitoring/rules.yml), and what a person
/// reads.
fn is_told(session: &mut Session, table: &Table) -> bool {
    let name = table.name;
    session.yes(&format!(
        "SELECT raw_clear_sessions.worker_off() IS NOT NULL OR EXISTS (
             SELECT FROM raw_clear_sessions.status AS s
             WHERE (s.\"table\" = to_regclass('{name}') OR s.note LIKE 'table {name} of raw_clear_sessions.tables %')
                 AND (s.note IS NOT NULL OR s.starts_since_success >= 3 AND s.next_start IS NOT NULL
                     AND (s.last_error IS NOT NULL OR s.waits_for IS NOT NULL OR s.last_stop <> 'done')))"
    ))
}

#[test]
fn at_the_end_of_a_day_each_table_is_cleared_or_its_status_and_an_alert_say_why_not() {
    let mut day = Day::begin();
    let events = rounds(60).min(400);
    for _ in 0..events {
        day.event();
    }
    day.end();
    let (mut faulty, mut deleted) = (0, 0);
    for table in std::mem::take(&mut day.tables) {
        let Table {
            database, fault, ..
        } = &table;
        let mut session = day.connect(database);
        if *fault != Some(Fault::Locked) {
            add_expired(&mut session, table.named(), 10);
        }
        let is_cleared = |session: &mut Session| {
            let expired = format!("{} WHERE expire_date < now()", table.named());
            *fault != Some(Fault::Locked) && session.count(&expired) == 0
        };
        let what = format!(
            "{} of {database} is cleared or told of ({fault:?})",
            table.name
        );
        wait_until(&what, || {
            is_cleared(&mut session) || is_told(&mut session, &table)
        });
        match fault {
            Some(_) => faulty += 1,
            // It may be left alone for a while after a failure, and says so. It need not be.
            None if table.is_original => {
                if !is_cleared(&mut session) {
                    session.run(&format!(
                        "SELECT raw_clear_sessions_run_now('{}')",
                        table.name
                    ));
                }
                let what = format!("{} of {database} is cleared", table.name);
                wait_until(&what, || is_cleared(&mut session));
            }
            None => {}
        }
        deleted += session.number(
            "SELECT coalesce(sum(total_deleted), 0)::bigint FROM raw_clear_sessions.status",
        );
        if *fault != Some(Fault::Locked) {
            let live = format!("{} WHERE expire_date > now()", table.named());
            assert_eq!(session.count(&live), 10, "{} of {database}", table.name);
        }
    }
    Tally {
        rounds: events.into(),
        renewals: faulty,
        deleted,
        kills: day.kills,
    }
    .report("a day of a site");
}
