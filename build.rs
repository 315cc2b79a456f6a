//! Compares with PostgreSQL's header files the functions that the extension declares and pgrx does not bind. A declaration
//! that differs would compile, and end the server when it is called.
//!
//! In a build script, so that it is done for whatever PostgreSQL the extension is built for, and by whoever builds it: with
//! the header files and the C compiler that pgrx needs for its own build.

#[path = "build/prototypes.rs"]
mod prototypes;

use pgrx_pg_config::{PgConfig, Pgrx};
use prototypes::{Declared, declare};
use std::path::Path;

const FUNCTIONS: &[Declared] = include!("src/pg/bindings/unbound.rs");

fn main() {
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=src/pg/bindings/unbound.rs");
    for variable in ["DOCS_RS", "PGRX_PG_CONFIG_PATH", "PGRX_PG_CONFIG_AS_ENV"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    // As in pgrx: a look at the types alone, without any PostgreSQL (scripts/lint).
    if std::env::var("DOCS_RS").is_ok_and(|value| value == "1") {
        return;
    }
    let pg_config = pg_config();
    let headers = pg_config.includedir_server().expect("pg_config knows it");
    for header in ["utils/elog.h", "utils/timeout.h"] {
        println!("cargo:rerun-if-changed={}", headers.join(header).display());
    }
    let folder = std::env::var("OUT_DIR").expect("cargo sets it");
    let file = Path::new(&folder).join("unbound.c");
    std::fs::write(&file, prototypes::c_file(FUNCTIONS)).expect("OUT_DIR can be written to");
    let flags = pg_config.cppflags().expect("pg_config knows them");
    let status = cc::Build::new()
        .get_compiler()
        .to_command()
        .arg("-fsyntax-only")
        .args(flags.to_string_lossy().split_whitespace())
        .arg("-I")
        .arg(&headers)
        .arg(&file)
        .status()
        .expect("the C compiler starts");
    assert!(
        status.success(),
        "src/pg/bindings/unbound.rs is not what the header files of this PostgreSQL have"
    );
}

/// The PostgreSQL for which pgrx is built, too.
fn pg_config() -> PgConfig {
    if PgConfig::is_in_environment() {
        return PgConfig::from_env().expect("it is there");
    }
    let major = (15..=19)
        .map(|major| format!("pg{major}"))
        .find(|major| std::env::var(format!("CARGO_FEATURE_{}", major.to_uppercase())).is_ok())
        .expect("one of the features pg15 to pg19 is on");
    let pgrx = Pgrx::from_config().expect("pgrx is set up");
    pgrx.get(&major)
        .unwrap_or_else(|error| panic!("no pg_config of {major}: {error}"))
}
