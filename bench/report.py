"""Writes the documents' tables and pictures, and says whether they are what the results say.

A document has a block for each table, between two comments: <!-- results: first --> and <!-- end of results -->.
Around them it is written by hand.
"""

import re
import sys
from pathlib import Path

from . import results as files
from . import tables
from .options import ROOT, BadOption

FOLDER = ROOT / "docs" / "benchmarks"
RESULTS = FOLDER / "results.json"
DOCUMENTS = (ROOT / "docs" / "benchmarks.md", ROOT / "README.md")
BLOCK = re.compile(r"(<!-- results: ([\w-]+) -->\n).*?(<!-- end of results -->)", re.DOTALL)


def fill(document: str, blocks: dict[str, str]) -> str:
    """The document with its blocks as these; a block that is not among them is an error."""

    def block(match: re.Match) -> str:
        if match[2] not in blocks:
            raise BadOption(f"the results have nothing for the block {match[2]!r}")
        return f"{match[1]}\n{blocks[match[2]]}\n\n{match[3]}"

    return BLOCK.sub(block, document)


def differences(documents: dict[str, str], blocks: dict[str, str]) -> list[str]:
    """The names of the blocks that are not as the results say, each with its document's."""
    found = []
    for name, document in documents.items():
        for match in BLOCK.finditer(document):
            if fill(match[0], blocks) != match[0]:
                found.append(f"{name}: {match[2]}")
    return found


def summary(results: dict) -> str:
    """The goals, for a terminal."""
    from . import goals

    rows = [(f"{goal.what}, {goal.against.replace('`', '')}", goal.wanted(), goal.show(value), verdict)
            for goal, value, verdict in goals.judge(results)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join(["", *lines])


def write_all(results: dict, folder: Path):
    """Results, tables and pictures of whatever was measured, in a folder."""
    from . import plots

    files.write(folder / "results.json", results)
    parts = [f"## {name}\n\n{block}\n" for name, block in tables.blocks(results).items()]
    (folder / "tables.md").write_text("\n".join(parts), encoding="utf-8")
    plots.draw_all(results, folder, formats=("svg", "png"))
    print(f"\nResults, tables and pictures: {folder.relative_to(ROOT)}")


def publish(results: dict):
    """Makes these the results that the documents show."""
    from . import plots

    blocks = tables.blocks(results)
    filled = {path: fill(path.read_text(encoding="utf-8"), blocks) for path in DOCUMENTS}
    files.write(RESULTS, results)
    for path, document in filled.items():
        path.write_text(document, encoding="utf-8")
    plots.draw_all(results, FOLDER, formats=("svg",))
    print(f"\nWritten: {', '.join(str(path.relative_to(ROOT)) for path in (RESULTS, *DOCUMENTS))}, and the pictures")


def committed() -> dict:
    found = files.read(RESULTS)
    if not found or found.get("format") != files.FORMAT:
        raise BadOption(f"{RESULTS.relative_to(ROOT)} is missing, or of another format: run make bench")
    return found


def publish_again():
    publish(committed())


def add(content: dict, scenario: str):
    """Makes one scenario of other results the one that the documents show."""
    if scenario not in content["scenarios"]:
        raise BadOption(f"the file has no results of the scenario {scenario!r}")
    publish(files.with_scenario(committed(), scenario, content["scenarios"][scenario]))


def check() -> int:
    documents = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in DOCUMENTS}
    found = differences(documents, tables.blocks(committed()))
    for name in found:
        print(f"bench: {name} does not show what {RESULTS.relative_to(ROOT)} says: run make bench-report",
              file=sys.stderr)
    return 1 if found else 0
