#!/usr/bin/env python3
"""What a suite came to, by what its runner has printed.

    scripts/results.py SUITE FILE     prints "N passed, M failed", and writes the tests, one by one, to FILE.xml as JUnit does

Three runners are understood: cargo test, pg_regress with its sister for isolation, and Python's unittest, under tox too. How
many have passed is what the runner says at its end; nothing is printed where it has not come to its end.
"""

import re
import sys
from dataclasses import dataclass, field
from xml.etree import ElementTree

CARGO = {"unit", "cluster", "citus", "timescaledb"}
REGRESS = {"regress", "isolation"}


@dataclass
class Test:
    group: str
    name: str
    outcome: str  # "passed", "failed" or "skipped"
    seconds: float = 0.0
    said: list = field(default_factory=list)


def cargo(lines):
    tests, passed, failed, group, of = [], 0, 0, "", None
    for line in lines:
        if match := re.match(r" +Running (?:unittests )?(\S+) \(| +Doc-tests (\S+)", line):
            group = match[1] or match[2]
        elif match := re.match(r"test (.+?) \.\.\. (?:ok|(FAILED)|(ignored).*)$", line):
            outcome = "failed" if match[2] else "skipped" if match[3] else "passed"
            tests.append(Test(group, match[1], outcome))
        elif match := re.match(r"---- (.+) stdout ----$", line):
            of = next((test for test in tests if (test.group, test.name) == (group, match[1])), None)
        elif match := re.match(r"test result: .* (\d+) passed; (\d+) failed;", line):
            passed, failed = passed + int(match[1]), failed + int(match[2])
        elif line == "failures:":
            of = None
        elif of:
            of.said.append(line)
    return tests, (passed, failed) if any("test result: " in line for line in lines) else None


def regress(lines):
    tests, total = [], None
    for line in lines:
        # PostgreSQL 15's own way, and TAP from 16 on.
        if match := (re.match(r"(?:test)? +(\S+) +\.\.\. (ok|FAILED|failed).*?(\d+) ms", line)
                     or re.match(r"(?=(?:not )?ok \d+ +[-+] (\S+))(not )?ok .* (\d+) ms", line)):
            bad = match[2] not in (None, "ok")
            tests.append(Test("", match[1], "failed" if bad else "passed", int(match[3]) / 1000))
        elif match := re.match(r"[# ]*All (\d+) tests passed", line):
            total = int(match[1]), 0
        elif match := re.match(r"[# ]*(\d+) of (\d+) tests failed", line):
            total = int(match[2]) - int(match[1]), int(match[1])
    return tests, total


def unittest(lines):
    tests, ran, runs, broken, failed, environments = [], 0, 0, 0, 0, 0
    environment, test, of = "", None, None
    for line in lines:
        if match := re.match(r"(\S+): commands\[\d+\]> ", line):
            environment = match[1] + "."
        elif match := re.match(r"Ran (\d+) tests? in ", line):
            ran, runs = ran + int(match[1]), runs + 1
        elif line.startswith("FAILED ("):
            broken += 1
            failed += sum(map(int, re.findall(r"(?:failures|errors)=(\d+)", line)))
        elif re.match(r" +py\S*-\S*: FAIL ", line):
            environments += 1
        elif match := re.match(r"(?:FAIL|ERROR): (\w+) \(([\w.]+)\)", line):
            group = environment + match[2].removesuffix("." + match[1])
            of = next((test for test in tests if (test.group, test.name) == (group, match[1])), None)
        elif of:
            if line.startswith("=" * 70):
                of = None
            else:
                of.said.append(line)
        elif match := re.match(r"(\w+) \(([\w.]+)\)", line):
            test = Test(environment + match[2].removesuffix("." + match[1]), match[1], "failed")
        if test and (match := re.search(r"(?:^|\.\.\. )(ok|FAIL|ERROR|skipped .*)$", line)):
            word = match[1].split()[0]
            test.outcome = {"ok": "passed", "skipped": "skipped"}.get(word, "failed")
            tests.append(test)
            test = None
    # An environment of tox's in which no test was run counts as one that failed.
    lost = max(0, environments - broken)
    return tests, (ran - failed, failed + lost) if runs else None


def read(suite, lines):
    runner = cargo if suite in CARGO else regress if suite in REGRESS else unittest
    return runner(lines)


def junit(suite, tests):
    count = lambda outcome: str(sum(test.outcome == outcome for test in tests))
    root = ElementTree.Element(
        "testsuite", name=suite, tests=str(len(tests)), failures=count("failed"), skipped=count("skipped"))
    for test in tests:
        case = ElementTree.SubElement(
            root, "testcase", classname=".".join(filter(None, [suite, test.group])), name=test.name, time=str(test.seconds))
        if test.outcome != "passed":
            said = ElementTree.SubElement(case, {"failed": "failure", "skipped": "skipped"}[test.outcome])
            # XML has no place for most control characters.
            said.text = re.sub(r"[^\t\n\x20-\uD7FF\uE000-\uFFFD]", "?", "\n".join(test.said))
    return ElementTree.tostring(root, encoding="unicode")


def main(suite, path):
    with open(path, errors="replace") as file:
        tests, total = read(suite, file.read().splitlines())
    with open(path.removesuffix(".out") + ".xml", "w", encoding="utf-8") as file:
        print(junit(suite, tests), file=file)
    if total:
        print("%d passed, %d failed" % total)


if __name__ == "__main__":
    main(*sys.argv[1:])
