//! What an extension that checks rights in the executor forbids (sepgsql does), no call deletes.

use cluster::{Cluster, create_sessions};
use std::env::var_os;
use std::fs;
use std::process::Command;

/// Forbids every DELETE.
const LIBRARY: &str = r#"
#include "postgres.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"

PG_MODULE_MAGIC;

#if PG_VERSION_NUM >= 160000
static bool check(List *tables, List *infos, bool raise)
#else
static bool check(List *infos, bool raise)
#endif
{
    ListCell *cell;
    foreach(cell, infos)
    {
#if PG_VERSION_NUM >= 160000
        AclMode needed = lfirst_node(RTEPermissionInfo, cell)->requiredPerms;
#else
        AclMode needed = lfirst_node(RangeTblEntry, cell)->requiredPerms;
#endif
        if (needed & ACL_DELETE)
            ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("nobody deletes here")));
    }
    return true;
}

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
    ExecutorCheckPerms_hook = check;
}
"#;

/// Compiles it, and returns where it is.
fn library(cluster: &Cluster) -> String {
    let (source, library) = ("forbid.c", "forbid.so");
    let file = cluster.folder().join(source);
    fs::write(&file, LIBRARY).expect("the cluster's folder can be written to");
    let library = cluster.folder().join(library);
    let pg_config = var_os("PG_CONFIG").unwrap_or("pg_config".into());
    let headers = cluster::output(Command::new(pg_config).arg("--includedir-server"));
    cluster::output(
        Command::new(var_os("CC").unwrap_or("cc".into()))
            .args(["-shared", "-fPIC", "-I", headers.trim(), "-o"])
            .args([&library, &file]),
    );
    library.display().to_string()
}

#[test]
fn what_an_extension_forbids_in_the_executor_is_not_deleted() {
    let cluster = Cluster::with(&[]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    session.run(&format!("LOAD '{}'", library(&cluster)));
    for call in [
        "DELETE FROM django_session",
        "SELECT raw_clear_sessions('django_session')",
        "CALL raw_clear_sessions_in_batches('django_session')",
    ] {
        assert_eq!(session.refused(call), "42501", "{call}");
    }
    let rewrite = session.refused("SELECT raw_clear_sessions_rewrite('django_session')");
    assert_eq!(rewrite, "55000");
    assert_eq!(session.count("django_session"), 1000);
}
