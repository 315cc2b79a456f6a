"""Prints docs/mutants.md, from what a run of scripts/mutants has found.

    table.py ROOT RESULTS
"""

import pathlib
import sys

from switch import mutants

INTRODUCTION = """\
# What notices wrong code

Written by `make mutants`; see [Testing](TESTING.md#do-the-tests-notice-wrong-code). Each line is a piece of the code that was
made wrong, and the first of the tests expected to notice that did. What has not been run is not here.
"""


def main(root, results):
    """Prints a table for each file of mutants, and then why some are not noticed."""
    noticed = dict(line.split("\t") for line in (results / "table").read_text().splitlines())
    print(INTRODUCTION)
    print(f"{sum(test != '' for test in noticed.values())} of {len(noticed)} are noticed.")
    reasons = []
    file = None
    for name, mutant in mutants(root / "tests" / "mutants").items():
        if name not in noticed:
            continue
        if mutant["file"] != file:
            file = mutant["file"]
            print(f"\n## {file}\n\n| mutant | noticed by |\n|---|---|")
        test = noticed[name]
        print(f"| {name} | {f'`{test}`' if test else 'nothing'} |")
        if not test:
            reasons.append(f"- {name}: {mutant.get('why', 'missed when it was last run')}")
    if reasons:
        print("\n## Not noticed\n\n" + "\n".join(reasons))


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
