pgrx::pg_module_magic!();
use pgrx::prelude::*;
#[pg_extern(sql = r#"CREATE FUNCTION raw_clear_sessions("table" regclass) RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';"#)]
fn raw_clear_sessions(table: Option<pg_sys::Oid>) -> i64 { let _ = table; 0 }
