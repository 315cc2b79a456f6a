//! A function of PostgreSQL's that is declared otherwise than PostgreSQL declares it does not compile.

#[path = "../../../build/prototypes.rs"]
mod prototypes;

use prototypes::{Declared, declare};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const UNBOUND: &[Declared] = include!("../../../src/pg/bindings/unbound.rs");

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src")
}

/// Runs a compiler on a text; whether it takes it, and what it says.
fn compiles(compiler: &mut Command, name: &str, text: &str) -> (bool, String) {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, text).expect("the folder for tests can be written to");
    let output = compiler
        .arg(&file)
        .stdin(Stdio::null())
        .output()
        .expect("the compiler starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), told)
}

/// Declares `declared` where pgrx is said to bind `bound`.
fn beside_pgrx(name: &str, bound: &str, declared: &str) -> (bool, String) {
    let list = sources().join("pg/bindings/bound.rs");
    let text = format!(
        "#![allow(dead_code)]\n#[macro_use] #[path = {list:?}] mod bound;\n\
         mod pg_sys {{ pub unsafe fn f{bound} {{ todo!() }} }}\nbound! {{ pub fn f{declared}; }}\n"
    );
    let mut compiler = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
    compiler.args(["--edition=2024", "--crate-type=lib", "--emit=metadata"]);
    compiler.args(["--out-dir", env!("CARGO_TARGET_TMPDIR")]);
    compiles(&mut compiler, name, &text)
}

#[test]
fn what_pgrx_binds_otherwise_does_not_compile() {
    let bound = "(a: *mut u8, b: bool) -> i32";
    let (taken, told) = beside_pgrx("same.rs", bound, bound);
    assert!(taken, "{told}");
    for (name, declared) in [
        ("type.rs", "(a: *const u8, b: bool) -> i32"),
        ("number.rs", "(a: *mut u8) -> i32"),
        ("order.rs", "(b: bool, a: *mut u8) -> i32"),
        ("result.rs", "(a: *mut u8, b: bool) -> u32"),
        ("nothing.rs", "(a: *mut u8, b: bool)"),
    ] {
        let (taken, told) = beside_pgrx(name, bound, declared);
        assert!(!taken && told.contains("E0308"), "{name}: {told}");
    }
}

/// The C compiler's answer, with the header files of the PostgreSQL that is tested, or of the one in the PATH.
fn beside_headers(name: &str, functions: &[Declared]) -> (bool, String) {
    let pg_config = std::env::var_os("PG_CONFIG").unwrap_or("pg_config".into());
    let output = Command::new(pg_config).arg("--includedir-server").output();
    let folder = output.expect("pg_config starts").stdout;
    let folder = String::from_utf8(folder).expect("a path");
    let mut compiler = Command::new(std::env::var_os("CC").unwrap_or("cc".into()));
    compiler.args(["-fsyntax-only", "-I", folder.trim()]);
    compiles(&mut compiler, name, &prototypes::c_file(functions))
}

#[test]
fn what_the_header_files_have_otherwise_does_not_compile() {
    let (taken, told) = beside_headers("unbound.c", UNBOUND);
    assert!(taken, "{told}");
    let wrong: [&[Declared]; 6] = [
        declare! { fn disable_timeout(id: TimeoutId, keep_indicator: c_int) -> (); },
        declare! { fn errstart(level: c_int) -> bool; },
        declare! { fn errcode(sqlstate: bool) -> c_int; },
        declare! { fn errhint(format: *const c_char) -> c_int; },
        declare! { fn errfinish(file: *const c_char, line: c_int, function: *const c_char) -> c_int; },
        declare! { fn errnothing(level: c_int) -> bool; },
    ];
    for (number, functions) in wrong.iter().enumerate() {
        let (taken, told) = beside_headers(&format!("wrong_{number}.c"), functions);
        assert!(!taken && told.contains(functions[0].0), "{told}");
    }
}

/// Every file below a folder, with its text.
fn texts(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            texts(&path, found);
        } else {
            let text = std::fs::read_to_string(&path).expect("UTF-8");
            found.push((path, text));
        }
    }
}

/// `extern "C" {` and its like, not a function of ours that C calls.
fn opens_a_block(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("unsafe ");
    line.starts_with("extern") && line.trim_end().ends_with("{") && !line.contains("fn ")
}

#[test]
fn nothing_is_declared_but_where_it_is_compared() {
    let mut found = Vec::new();
    texts(&sources(), &mut found);
    let mut declaring: Vec<_> = found
        .iter()
        .filter(|(_, text)| text.lines().any(opens_a_block))
        .filter_map(|(path, _)| path.strip_prefix(sources()).ok())
        .collect();
    declaring.sort();
    // The macros of the two lists.
    assert_eq!(
        declaring,
        [
            Path::new("pg/bindings/bound.rs"),
            Path::new("pg/bindings.rs")
        ]
    );
    let raw = &found
        .iter()
        .find(|(path, _)| path.ends_with("pg/bindings.rs"))
        .expect("it is there")
        .1;
    assert_eq!(
        raw.lines().filter(|line| opens_a_block(line)).count(),
        1,
        "only the macro of unbound.rs declares there"
    );
}
