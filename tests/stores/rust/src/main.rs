//! stores NAME: one store's part of its test, as ../case.py says.

mod async_sqlx_session;
mod axum_session;
mod tower_sessions;

use std::error::Error;
use std::future::Future;
use time::Duration;

type Outcome<T> = Result<T, Box<dyn Error>>;

const LIVE: [i64; 3] = [5, 90, 1440];
const EXPIRED: [i64; 3] = [-1, -90, -1440];

/// What each store does in its own way.
trait Store {
    /// Saves a session that expires so long after now; what it is loaded by.
    fn write(&self, name: &str, lifetime: Duration) -> impl Future<Output = Outcome<String>>;

    /// Whether the session is still there, and is the one that was saved.
    fn load(&self, id: &str) -> impl Future<Output = Outcome<bool>>;
}

async fn write(store: &impl Store, kind: &str, minutes: [i64; 3]) -> Outcome<Vec<String>> {
    let mut ids = Vec::new();
    for (number, minutes) in minutes.into_iter().enumerate() {
        let name = format!("{kind}-{number}");
        ids.push(store.write(&name, Duration::minutes(minutes)).await?);
    }
    Ok(ids)
}

async fn run(store: impl Store) -> Outcome<()> {
    let live = write(&store, "live", LIVE).await?;
    let expired = write(&store, "expired", EXPIRED).await?;
    println!("{{\"live\": {live:?}, \"expired\": {expired:?}}}");
    std::io::stdin().read_line(&mut String::new())?;
    let mut loaded = Vec::new();
    for id in live.into_iter().chain(expired) {
        if store.load(&id).await? {
            loaded.push(id);
        }
    }
    println!("{{\"loaded\": {loaded:?}}}");
    Ok(())
}

async fn run_named(name: &str) -> Outcome<()> {
    match name {
        "tower-sessions" => run(tower_sessions::store().await?).await,
        "axum_session" => run(axum_session::store().await?).await,
        "async-sqlx-session" => run(async_sqlx_session::store().await?).await,
        other => Err(format!("no store {other}").into()),
    }
}

fn main() -> Outcome<()> {
    let name = std::env::args().nth(1).unwrap_or_default();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(run_named(&name))
}
