//! Foreign tables.

use super::Relation;
use core::ffi::CStr;
use pgrx::pg_sys;

/// Whether the rows are in a table of another PostgreSQL server's, which postgres_fdw asks for them: the foreign data wrapper
/// may have any name, its handler is a member of that extension.
pub fn is_of_postgres_fdw(relation: &Relation) -> bool {
    const EXTENSION: &CStr = c"postgres_fdw";
    if !relation.is_foreign() {
        return false;
    }
    // SAFETY: catalog look-ups for an open foreign table; the results are palloc'd. A missing extension is no ERROR.
    unsafe {
        let extension = pg_sys::get_extension_oid(EXTENSION.as_ptr(), true);
        if extension == pg_sys::InvalidOid {
            return false;
        }
        let table = pg_sys::GetForeignTable(relation.oid());
        let server = pg_sys::GetForeignServer((*table).serverid);
        let wrapper = pg_sys::GetForeignDataWrapper((*server).fdwid);
        pg_sys::getExtensionOfObject(pg_sys::ProcedureRelationId, (*wrapper).fdwhandler)
            == extension
    }
}
