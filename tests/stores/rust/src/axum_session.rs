use crate::{Outcome, Store};
use axum_session::DatabasePool;
use axum_session_sqlx::SessionPgPool;
use sqlx::postgres::{PgConnectOptions, PgPool};
use time::{Duration, OffsetDateTime};

/// The name that its SessionConfig has where none is set.
const TABLE: &str = "sessions";

pub async fn store() -> Outcome<impl Store> {
    let pool = SessionPgPool::from(PgPool::connect_with(PgConnectOptions::new()).await?);
    pool.initiate(TABLE).await?;
    Ok(pool)
}

/// As its SessionStore calls it, which is for the crate alone: `expires.unix_timestamp()`.
impl Store for SessionPgPool {
    async fn write(&self, name: &str, lifetime: Duration) -> Outcome<String> {
        let expires = (OffsetDateTime::now_utc() + lifetime).unix_timestamp();
        self.store(name, &format!("\"{name}\""), expires, TABLE)
            .await?;
        Ok(name.to_owned())
    }

    async fn load(&self, id: &str) -> Outcome<bool> {
        let found = DatabasePool::load(self, id, TABLE).await?;
        Ok(found.is_some_and(|found| found == format!("\"{id}\"")))
    }
}
