//! From PostgreSQL 18 on an extension can be in folders of its own, as an image that CloudNativePG mounts: `lib` and `share`,
//! found by `dynamic_library_path` and `extension_control_path`.

use cluster::{Cluster, PRELOADED, Session, Shutdown, create_sessions};
use std::fs::{copy, create_dir_all, read_dir, read_to_string};
use std::path::{Path, PathBuf};

/// A folder of the server's installation.
fn folder(session: &mut Session, name: &str) -> PathBuf {
    let query = format!("SELECT setting FROM pg_config WHERE name = '{name}'");
    session.text(&query).into()
}

/// Copies the files of the extension from one folder to another.
fn copy_files(from: &Path, to: &Path) {
    create_dir_all(to).expect("a folder can be made");
    let mut copied = 0;
    for entry in read_dir(from).expect("the folder is there") {
        let entry = entry.expect("it can be read");
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("raw_clear_sessions") {
            copy(entry.path(), to.join(name)).expect("a file can be copied");
            copied += 1;
        }
    }
    assert!(copied > 0, "{} has no files of it", from.display());
}

/// Whether a process has loaded the library from this folder.
fn is_loaded_from(pid: i32, folder: &Path) -> bool {
    let library = folder.join("raw_clear_sessions.so");
    let maps = read_to_string(format!("/proc/{pid}/maps")).expect("the process is there");
    maps.contains(&*library.to_string_lossy())
}

#[test]
fn the_extension_works_from_folders_of_its_own() {
    let mut cluster = Cluster::with(&[]);
    let mut session = cluster.connect();
    if session.yes("SELECT current_setting('server_version_num')::integer < 180000") {
        return;
    }
    let installed = folder(&mut session, "PKGLIBDIR");
    let control = folder(&mut session, "SHAREDIR").join("extension");
    drop(session);
    let image = cluster.folder().join("image");
    let library = image.join("lib");
    copy_files(&installed, &library);
    copy_files(&control, &image.join("share/extension"));
    cluster.set(&[
        PRELOADED,
        (
            "dynamic_library_path",
            &format!("{}:$libdir", library.display()),
        ),
        (
            "extension_control_path",
            &format!("{}/share:$system", image.display()),
        ),
        ("raw_clear_sessions.databases", "app"),
        ("raw_clear_sessions.tables", "django_session"),
        ("raw_clear_sessions.schedule", "1 s"),
    ]);
    cluster.stop(Shutdown::Fast);
    cluster.start();
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "prepared", 100, 10);
    assert_eq!(session.clear("prepared"), 90);
    create_sessions(&mut session, "django_session", 100, 10);
    session.wait_for_count("django_session", 10);
    for pid in [session.pid(), cluster.postmaster()] {
        assert!(is_loaded_from(pid, &library));
        assert!(!is_loaded_from(pid, &installed));
    }
}
