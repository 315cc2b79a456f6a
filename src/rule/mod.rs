//! Which rows are expired: time, units and the frameworks' tables, without PostgreSQL.
//!
//! Everything here is plain arithmetic and data on `core`/`std`, so that it is tested without a server. What a column
//! holds (`kind`), what a number in it counts (`unit`), what a wall clock says (`zone`), where the cut-off falls in the
//! column's own terms (`cutoff`), what its name says (`meaning`), what a table's says (`table_name`), and whose table it is (`framework`, `recognize`).

#![forbid(unsafe_code)]

pub mod cutoff;
pub mod framework;
pub mod kind;
pub mod meaning;
pub mod recognize;
pub mod table_name;
pub mod unit;
pub mod zone;
