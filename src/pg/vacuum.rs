//! VACUUM of one relation by a background worker.

use pgrx::{PgList, is_a, pg_sys};

/// Vacuums one relation, and nothing below it, which the worker may do at top level only: outside of transactions. ERROR
/// where another session has locked it for longer than `lock_timeout`.
///
/// VACUUM acts as the table's owner by itself (commands/vacuum.c).
pub fn vacuum(relation: pg_sys::Oid) {
    // SAFETY: the parser gives a list of one RawStmt around a VacuumStmt, with one VacuumRelation, of which VACUUM does not
    // look at the name where it has the oid (commands/vacuum.c, expand_vacuum_rel). ExecVacuum begins in a transaction
    // without a snapshot, as PostgreSQL's own dispatcher calls it, ends that and leaves another one open. The statement
    // lives in a context of its own, which is the parent of VACUUM's too, because transactions come and go.
    unsafe {
        pg_sys::SetCurrentStatementStartTimestamp();
        pg_sys::StartTransactionCommand();
        let caller = pg_sys::MemoryContextSwitchTo(context());
        let list = PgList::<pg_sys::Node>::from_pg(pg_sys::raw_parser(
            c"VACUUM relation".as_ptr(),
            pg_sys::RawParseMode::RAW_PARSE_DEFAULT,
        ));
        let node = list
            .head()
            .map(|node| (*node.cast::<pg_sys::RawStmt>()).stmt)
            .filter(|node| is_a(*node, pg_sys::NodeTag::T_VacuumStmt))
            .expect("VACUUM is parsed as VACUUM");
        let relations = (*node.cast::<pg_sys::VacuumStmt>()).rels;
        let named = PgList::<pg_sys::VacuumRelation>::from_pg(relations).head();
        (*named.expect("one relation is named")).oid = relation;
        let state = pg_sys::make_parsestate(core::ptr::null_mut());
        pg_sys::MemoryContextSwitchTo(caller);
        pg_sys::ExecVacuum(state, node.cast(), true);
        pg_sys::CommitTransactionCommand();
    }
}

/// Where VACUUM keeps what outlives its transactions, empty. A worker runs no portal of its own, so that the context
/// can stay the portal's, as in an autovacuum worker; also after an ERROR.
fn context() -> pg_sys::MemoryContext {
    // SAFETY: made once in a process and never deleted; what an earlier VACUUM has left in it is not used any more.
    unsafe {
        if pg_sys::PortalContext.is_null() {
            pg_sys::PortalContext = pg_sys::AllocSetContextCreateInternal(
                pg_sys::TopMemoryContext,
                c"raw_clear_sessions vacuum".as_ptr(),
                pg_sys::ALLOCSET_SMALL_MINSIZE as usize,
                pg_sys::ALLOCSET_SMALL_INITSIZE as usize,
                pg_sys::ALLOCSET_SMALL_MAXSIZE as usize,
            );
        }
        pg_sys::MemoryContextReset(pg_sys::PortalContext);
        pg_sys::PortalContext
    }
}
