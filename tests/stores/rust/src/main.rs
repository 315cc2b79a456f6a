//! stores: tower-sessions' part of its test, as ../case.py says.

use sqlx::postgres::{PgConnectOptions, PgPool};
use std::collections::HashMap;
use std::error::Error;
use time::{Duration, OffsetDateTime};
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::SessionStore;
use tower_sessions_sqlx_store::PostgresStore;

const LIVE: [i64; 3] = [5, 90, 1440];
const EXPIRED: [i64; 3] = [-1, -90, -1440];

/// Saves sessions that expire so many minutes from now; their ids.
async fn save(store: &PostgresStore, minutes: [i64; 3]) -> Result<Vec<Id>, Box<dyn Error>> {
    let mut ids = Vec::new();
    for minutes in minutes {
        let id = Id::default();
        let expiry_date = OffsetDateTime::now_utc() + Duration::minutes(minutes);
        let data = HashMap::from([("id".to_owned(), id.to_string().into())]);
        store
            .save(&Record {
                id,
                data,
                expiry_date,
            })
            .await?;
        ids.push(id);
    }
    Ok(ids)
}

fn quoted(ids: &[Id]) -> String {
    let quoted: Vec<_> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    quoted.join(", ")
}

async fn run() -> Result<(), Box<dyn Error>> {
    let store = PostgresStore::new(PgPool::connect_with(PgConnectOptions::new()).await?);
    store.migrate().await?;
    let live = save(&store, LIVE).await?;
    let expired = save(&store, EXPIRED).await?;
    println!(
        "{{\"live\": [{}], \"expired\": [{}]}}",
        quoted(&live),
        quoted(&expired)
    );
    std::io::stdin().read_line(&mut String::new())?;
    let mut loaded = Vec::new();
    for id in live.iter().chain(&expired) {
        let record = store.load(id).await?;
        if record.is_some_and(|record| record.data["id"] == id.to_string()) {
            loaded.push(*id);
        }
    }
    println!("{{\"loaded\": [{}]}}", quoted(&loaded));
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(run())
}
