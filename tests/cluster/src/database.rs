//! One database of a cluster.

use crate::cluster::Cluster;
use crate::session::Session;
use postgres::{Config, NoTls};
use std::thread::panicking;

/// A database that one test works in. It goes with its cluster.
pub struct Database<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl<'a> Database<'a> {
    pub(crate) fn new(cluster: &'a Cluster, name: &str) -> Self {
        Database {
            cluster,
            name: name.to_owned(),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn cluster(&self) -> &'a Cluster {
        self.cluster
    }

    fn config(&self) -> Config {
        let mut config = self.cluster.config();
        config.dbname(&self.name);
        config
    }

    /// A session of the superuser's.
    pub fn connect(&self) -> Session {
        Session::new(self.config().connect(NoTls).expect("a connection"))
    }

    /// A session of another role's.
    pub fn connect_as(&self, role: &str) -> Session {
        Session::new(
            self.config()
                .user(role)
                .connect(NoTls)
                .expect("a connection"),
        )
    }
}

/// Extensions that look for damage in tables, indexes and visibility maps.
const CHECKS: &str = "CREATE EXTENSION amcheck; CREATE EXTENSION pg_visibility";

impl Database<'_> {
    /// Makes ready for [`crate::assert_sound`].
    pub fn with_checks(self) -> Self {
        self.connect().run(CHECKS);
        self
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        if panicking() {
            self.cluster.show_log();
        }
    }
}
