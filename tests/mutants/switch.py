"""Makes a copy of the sources that has all mutants in it, each of them off: which one is on, the environment says.

    switch.py ROOT TREE [name ...]    copies ROOT's sources into TREE, and prints "name<TAB>digest<TAB>test<TAB>..." for each
                                      mutant
    switch.py ROOT                    only looks whether all mutants fit the sources (scripts/lint)

A mutant is a piece of a source file as it is (`from`) and as it would be wrong (`to`), where MUTANT is true if the mutant
is on. One that no longer fits the sources is an error: whoever changes them changes the mutant, too. One that cannot be
noticed, because nothing that anybody could see depends on it, says why (`no_effect`), and is not run.
"""

import hashlib
import pathlib
import subprocess
import sys
import tomllib

SWITCH = '''
/// Whether this mutant is on: its name is that in the environment variable RCS_MUTANT of this process.
mod mutants {
    pub(crate) fn is(name: &str) -> bool {
        static CHOSEN: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
        CHOSEN.get_or_init(|| std::env::var("RCS_MUTANT").ok()).as_deref() == Some(name)
    }
}
'''


def mutants(folder):
    """All mutants by their names, in the order of the files and of the lines in them."""
    found = {}
    for file in sorted(folder.glob("*.toml")):
        for name, mutant in tomllib.loads(file.read_text()).items():
            assert name not in found, f"{name} is there twice"
            found[name] = mutant
    return found


def digest(mutant):
    """Tells whether a mutant is still the one that was run: another change of the code, or in another file, is another."""
    return hashlib.sha256("\0".join(mutant[key] for key in ["file", "from", "to"]).encode()).hexdigest()[:16]


def switched(text, name, mutant):
    """A file's text with the mutant in it."""
    count = text.count(mutant["from"])
    if count != 1:
        sys.exit(f"mutant {name}: its piece of {mutant['file']} is there {count} times, and not once")
    switch = f'crate::mutants::is("{name}")'
    return text.replace(mutant["from"], mutant["to"].replace("MUTANT", switch))


def write(path, content):
    """Leaves a file alone that has this content, so that cargo does too."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def sources(root):
    """The files of the checkout, also those that are not committed yet."""
    listing = ["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\n")
    return {name for name in names if name and (root / name).is_file()}


def main(root, tree=None, *chosen):
    found = mutants(root / "tests" / "mutants")
    unknown = set(chosen) - set(found)
    if unknown:
        sys.exit(f"no such mutants: {' '.join(sorted(unknown))}")
    texts = {}
    for name, mutant in found.items():
        file = mutant["file"]
        texts[file] = switched(texts.get(file) or (root / file).read_text(), name, mutant)
    if tree is None:
        return
    # The extension, and the crate of it that knows no PostgreSQL.
    for crate in ["src/lib.rs", "logic/src/lib.rs"]:
        texts[crate] = texts.get(crate) or (root / crate).read_text()
        texts[crate] += SWITCH
    names = sources(root)
    for folder in ["build", "logic", "src", "sql", "tests"]:
        for path in (tree / folder).rglob("*"):
            if path.is_file() and str(path.relative_to(tree)) not in names:
                path.unlink()
    for name in names:
        content = texts[name].encode() if name in texts else (root / name).read_bytes()
        write(tree / name, content)
        (tree / name).chmod((root / name).stat().st_mode)
    for name, mutant in found.items():
        if (not chosen or name in chosen) and "no_effect" not in mutant:
            print(name, digest(mutant), *mutant["tests"], sep="\t")


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:3]), *sys.argv[3:])
