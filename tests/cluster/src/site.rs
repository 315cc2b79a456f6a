//! A site that stores, renews and ends sessions at random, and knows which of them are alive, and what is in them: the
//! oracle of a storm, outside of the database.

use crate::random::Random;
use crate::session::Session;
use crate::table::{EXPIRED, LIVE};
use postgres::{Error, Statement};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const KEYS: u32 = 50;

const SERIALIZATION_FAILURE: &str = "40001";

/// The version of a session that is alive; `None`: it has expired, or is not there.
type State = Option<u64>;

/// What a request does with one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    /// A new lifetime and new contents, in one statement.
    Renew,
    /// The same behind a row lock, as an application does that reads first.
    LockAndRenew,
    /// New contents only: the row's new version is not in the index on the expiry column.
    Touch,
    Read,
    /// Its lifetime is over: from the commit on, it may be deleted.
    Expire,
    /// Over and renewed in one transaction: nobody may see it expired.
    ExpireAndRenew,
    /// The same with a savepoint that is taken back.
    ExpireAndRollBack,
    LogOut,
    /// Created, or renewed if it is still there.
    Upsert,
    RenewAndRollBack,
}

impl Request {
    /// For a session that is alive: every one of these has to find it.
    const ALIVE: [Request; 16] = [
        Request::Renew,
        Request::Renew,
        Request::Renew,
        Request::Renew,
        Request::Renew,
        Request::Renew,
        Request::Expire,
        Request::Expire,
        Request::Expire,
        Request::Expire,
        Request::ExpireAndRenew,
        Request::ExpireAndRollBack,
        Request::LockAndRenew,
        Request::Touch,
        Request::Read,
        Request::LogOut,
    ];

    /// For one that has expired, or is not there any more, or never was.
    const EXPIRED: [Request; 8] = [
        Request::Renew,
        Request::Renew,
        Request::Renew,
        Request::Renew,
        Request::LockAndRenew,
        Request::RenewAndRollBack,
        Request::Upsert,
        Request::Upsert,
    ];

    /// What has become of the session when the request has succeeded.
    fn after(self, before: State, version: u64, found: bool) -> State {
        match self {
            Request::Renew | Request::LockAndRenew => found.then_some(version),
            Request::Touch | Request::ExpireAndRenew | Request::Upsert => Some(version),
            Request::Read | Request::ExpireAndRollBack | Request::RenewAndRollBack => before,
            Request::Expire | Request::LogOut => None,
        }
    }

    fn renews(self) -> bool {
        matches!(
            self,
            Request::Renew | Request::LockAndRenew | Request::ExpireAndRenew | Request::Upsert
        )
    }
}

/// The statements, prepared: `$1` is the key, `$2` the contents.
struct Statements {
    renew: Statement,
    touch: Statement,
    lock: Statement,
    read: Statement,
    expire: Statement,
    log_out: Statement,
    upsert: Statement,
}

impl Statements {
    fn prepare(session: &mut Session) -> Statements {
        let mut prepare = |statement: String| session.prepare(&statement);
        let table = "django_session";
        let here = "WHERE session_key = $1";
        Statements {
            renew: prepare(format!(
                "UPDATE {table} SET session_data = $2, expire_date = {LIVE} {here}"
            )),
            touch: prepare(format!("UPDATE {table} SET session_data = $2 {here}")),
            lock: prepare(format!("SELECT 1 FROM {table} {here} FOR UPDATE")),
            read: prepare(format!(
                "SELECT 1 FROM {table} {here} AND session_data = $2 AND expire_date = {LIVE}"
            )),
            expire: prepare(format!(
                "UPDATE {table} SET expire_date = {EXPIRED} {here}"
            )),
            log_out: prepare(format!("DELETE FROM {table} {here}")),
            upsert: prepare(format!(
                "INSERT INTO {table} VALUES ($1, $2, {LIVE}) ON CONFLICT (session_key)
                 DO UPDATE SET session_data = EXCLUDED.session_data, expire_date = EXCLUDED.expire_date"
            )),
        }
    }
}

/// One site: it alone writes the sessions of its keys, so it knows which are alive.
pub struct Site {
    number: u32,
    session: Session,
    statements: Statements,
    alive: HashMap<u32, u64>,
    random: Random,
    version: u64,
    /// The request during which the connection was lost: its session, and what that is if the request was committed.
    doubt: Option<(u32, State)>,
    /// Expired sessions that were renewed in the face of the clearing, and such that it had already deleted.
    pub renewed: u32,
    pub too_late: u32,
    /// Requests that were sent once more because of a serialization failure.
    pub retries: u32,
}

impl Site {
    pub fn new(number: u32, mut session: Session) -> Site {
        Site {
            number,
            statements: Statements::prepare(&mut session),
            session,
            alive: HashMap::new(),
            random: Random::new(number.into()),
            version: 0,
            doubt: None,
            renewed: 0,
            too_late: 0,
            retries: 0,
        }
    }

    fn key(&self, key: u32) -> String {
        format!("site{}-{key}", self.number)
    }

    /// Makes one request for a session chosen at random; whether it renewed that. An ERROR is a lost connection's.
    fn step(&mut self) -> Result<bool, Error> {
        let key = self.random.below(KEYS);
        let before = self.alive.get(&key).copied();
        let requests: &[Request] = match before {
            Some(_) => &Request::ALIVE,
            None => &Request::EXPIRED,
        };
        let request = requests[self.random.below(requests.len() as u32) as usize];
        self.version += 1;
        self.doubt = Some((key, request.after(before, self.version, true)));
        let found = self.perform_until_serialized(request, key, before)? > 0;
        self.doubt = None;
        let name = self.key(key);
        assert!(
            found || (before.is_none() && request != Request::Upsert),
            "{name} was alive and {request:?} has not found it"
        );
        if before.is_none() && matches!(request, Request::Renew | Request::LockAndRenew) {
            *(if found {
                &mut self.renewed
            } else {
                &mut self.too_late
            }) += 1;
        }
        self.note(key, request.after(before, self.version, found));
        Ok(found && request.renews())
    }

    fn note(&mut self, key: u32, state: State) {
        match state {
            Some(version) => self.alive.insert(key, version),
            None => self.alive.remove(&key),
        };
    }

    /// As an application does it: a transaction that could not be serialized is sent once more.
    fn perform_until_serialized(
        &mut self,
        request: Request,
        key: u32,
        before: State,
    ) -> Result<u64, Error> {
        loop {
            match self.perform(request, key, before) {
                Err(error) if has_code(&error, SERIALIZATION_FAILURE) => {
                    self.session.try_run("ROLLBACK")?;
                    self.retries += 1;
                }
                Err(error) if is_loss(&error) => return Err(error),
                other => return Ok(other.unwrap_or_else(|error| panic!("{request:?}: {error:?}"))),
            }
        }
    }

    /// Makes a request, and returns how many rows it found.
    fn perform(&mut self, request: Request, key: u32, before: State) -> Result<u64, Error> {
        let (key, data) = (self.key(key), format!("v{}", self.version));
        let old = before.map_or(String::new(), |version| format!("v{version}"));
        let (session, is) = (&mut self.session, &self.statements);
        match request {
            Request::Renew => session.try_change(&is.renew, &[&key, &data]),
            Request::Touch => session.try_change(&is.touch, &[&key, &data]),
            Request::Read => session.try_change(&is.read, &[&key, &old]),
            Request::Expire => session.try_change(&is.expire, &[&key]),
            Request::LogOut => session.try_change(&is.log_out, &[&key]),
            Request::Upsert => session.try_change(&is.upsert, &[&key, &data]),
            Request::LockAndRenew => {
                session.try_run("BEGIN")?;
                let locked = session.try_change(&is.lock, &[&key])?;
                let renewed = session.try_change(&is.renew, &[&key, &data])?;
                session.try_run("COMMIT")?;
                assert!(renewed >= locked, "{key} was locked and is lost");
                Ok(renewed)
            }
            Request::ExpireAndRenew => {
                session.try_run("BEGIN")?;
                let expired = session.try_change(&is.expire, &[&key])?;
                let renewed = session.try_change(&is.renew, &[&key, &data])?;
                session.try_run("COMMIT")?;
                Ok(expired.min(renewed))
            }
            Request::ExpireAndRollBack => {
                session.try_run("BEGIN; SAVEPOINT before")?;
                let expired = session.try_change(&is.expire, &[&key])?;
                session.try_run("ROLLBACK TO before; COMMIT")?;
                Ok(expired)
            }
            Request::RenewAndRollBack => {
                session.try_run("BEGIN")?;
                let renewed = session.try_change(&is.renew, &[&key, &data])?;
                session.try_run("ROLLBACK")?;
                Ok(renewed)
            }
        }
    }

    /// Works until it is told to stop; adds the renewals to those of all sites.
    pub fn run(&mut self, stop: &AtomicBool, renewals: &AtomicU64) {
        while !stop.load(Ordering::Relaxed) {
            let renewed = self.step();
            let renewed =
                renewed.unwrap_or_else(|error| panic!("no connection is lost: {error:?}"));
            renewals.fetch_add(renewed.into(), Ordering::Relaxed);
        }
    }

    /// Works until the server is gone; how many sessions it has renewed.
    pub fn run_until_crash(&mut self) -> u64 {
        let mut renewals = 0;
        while let Ok(renewed) = self.step() {
            renewals += u64::from(renewed);
        }
        renewals
    }

    /// Goes on after a crash. What was acknowledged is there; of what was not, all or nothing.
    pub fn reconnect(&mut self, mut session: Session) {
        self.statements = Statements::prepare(&mut session);
        self.session = session;
        let Some((key, after)) = self.doubt.take() else {
            return;
        };
        let before = self.alive.get(&key).copied();
        let name = self.key(key);
        let found: Option<String> = self.session.value(&format!(
            "SELECT max(session_data) FROM django_session WHERE session_key = '{name}' AND expire_date = {LIVE}"
        ));
        let version = |data: String| data[1..].parse().expect("a version");
        let found: State = found.map(version);
        assert!(
            found == before || found == after,
            "{name} was {before:?}, was to be {after:?} when the server crashed, and is {found:?}"
        );
        self.note(key, found);
    }

    /// The sessions that have to be there, with their contents, as [`assert_alive`] finds them.
    pub fn sessions_alive(&self) -> impl Iterator<Item = String> {
        self.alive
            .iter()
            .map(|(key, version)| format!("{} v{version}", self.key(*key)))
    }
}

/// Asserts that of the sites' sessions exactly those are alive that have to be, with what was last written to them.
pub fn assert_alive(session: &mut Session, sites: &[Site], what: &str) {
    let mut found = session.texts(&format!(
        "SELECT session_key || ' ' || session_data FROM django_session
         WHERE session_key LIKE 'site%' AND expire_date = {LIVE}"
    ));
    let mut alive: Vec<String> = sites.iter().flat_map(Site::sessions_alive).collect();
    found.sort();
    alive.sort();
    assert_eq!(found, alive, "{what}");
}

/// Whether the connection is lost with this: the server has gone, or said in time that it goes (class 57P).
fn is_loss(error: &Error) -> bool {
    error
        .code()
        .is_none_or(|code| code.code().starts_with("57P"))
}

fn has_code(error: &Error, code: &str) -> bool {
    error.code().is_some_and(|found| found.code() == code)
}
