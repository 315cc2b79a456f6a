use crate::{Outcome, Store};
use sqlx::postgres::{PgConnectOptions, PgPool};
use std::collections::HashMap;
use time::{Duration, OffsetDateTime};
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::SessionStore;
use tower_sessions_sqlx_store::PostgresStore;

pub async fn store() -> Outcome<impl Store> {
    let store = PostgresStore::new(PgPool::connect_with(PgConnectOptions::new()).await?);
    store.migrate().await?;
    Ok(store)
}

impl Store for PostgresStore {
    async fn write(&self, _: &str, lifetime: Duration) -> Outcome<String> {
        let id = Id::default();
        let record = Record {
            id,
            data: HashMap::from([("id".to_owned(), id.to_string().into())]),
            expiry_date: OffsetDateTime::now_utc() + lifetime,
        };
        self.save(&record).await?;
        Ok(id.to_string())
    }

    async fn load(&self, id: &str) -> Outcome<bool> {
        let record = SessionStore::load(self, &id.parse()?).await?;
        Ok(record.is_some_and(|record| record.data["id"] == *id))
    }
}
