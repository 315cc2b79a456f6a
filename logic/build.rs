//! Makes of the files in `frameworks` the list that the code has, so that a framework is one file.

#[path = "build/entry.rs"]
mod entry;

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=frameworks");
    let files = fs::read_dir("frameworks").expect("the folder is there");
    let mut files: Vec<_> = files.map(|file| file.expect("an entry").path()).collect();
    files.sort();
    let entries = files.iter().map(|file| {
        let sql = fs::read_to_string(file).expect("a text");
        entry::expression(&sql).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    });
    let list = format!("&[\n{}]\n", entries.collect::<String>());
    let folder = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&folder).join("frameworks.rs"), list).expect("OUT_DIR can be written to");
}
