"""Prints docs/mutants.md, from what runs of scripts/mutants have found.

    table.py ROOT FILE
"""

import pathlib
import sys

from switch import digest, mutants

INTRODUCTION = """\
# What notices wrong code

Written by `make mutants`; see [Testing](TESTING.md#do-the-tests-notice-wrong-code). Each line is a piece of the code that was
made wrong, and the first of the tests expected to notice that did, when it was last run. What has not been run is not here.
"""


def main(root, results):
    """Prints a table for each file of mutants, and then why some are not noticed."""
    found = mutants(root / "tests" / "mutants")
    noticed = {}
    # The last line of a mutant counts, if it is about the mutant as it is now.
    for name, run, test in (line.split("\t") for line in results.read_text().splitlines()):
        if name in found and run == digest(found[name]) and "no_effect" not in found[name]:
            noticed[name] = test
    print(INTRODUCTION)
    print(f"{sum(test != '' for test in noticed.values())} of {len(noticed)} are noticed.")
    reasons = []
    # The files in the order in which they first occur.
    for file in dict.fromkeys(found[name]["file"] for name in found if name in noticed):
        print(f"\n## {file}\n\n| mutant | noticed by |\n|---|---|")
        for name, mutant in found.items():
            if name not in noticed or mutant["file"] != file:
                continue
            test = noticed[name]
            print(f"| {name} | {f'`{test}`' if test else 'nothing'} |")
            if not test:
                reasons.append(f"- {name}: {mutant.get('why', 'missed when it was last run')}")
    if reasons:
        print("\n## Not noticed\n\n" + "\n".join(reasons))
    without = [f"- {name}: {mutant['no_effect']}" for name, mutant in found.items() if "no_effect" in mutant]
    print("\n## Without effect\n\nNot run, and not counted: nothing that anybody could see depends on these.\n")
    print("\n".join(without))


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
