use crate::{Outcome, Store};
use async_session::{Session, SessionStore};
use async_sqlx_session::PostgresSessionStore;
use sqlx_0_5::postgres::{PgConnectOptions, PgPool};
use time::Duration;

pub async fn store() -> Outcome<impl Store> {
    let pool = PgPool::connect_with(PgConnectOptions::new()).await?;
    let store = PostgresSessionStore::from_client(pool);
    store.migrate().await?;
    Ok(store)
}

/// What a session is loaded by is its cookie.
impl Store for PostgresSessionStore {
    async fn write(&self, _: &str, lifetime: Duration) -> Outcome<String> {
        let mut session = Session::new();
        let expiry = async_session::chrono::Utc::now()
            + async_session::chrono::Duration::minutes(lifetime.whole_minutes());
        session.set_expiry(expiry);
        session.insert("written", true)?;
        let cookie = self.store_session(session).await?;
        cookie.ok_or_else(|| "a session without a cookie".into())
    }

    async fn load(&self, cookie: &str) -> Outcome<bool> {
        let session = self.load_session(cookie.to_owned()).await?;
        Ok(session.is_some_and(|session| session.get("written") == Some(true)))
    }
}
