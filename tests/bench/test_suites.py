"""What scripts/results.py reads on the screens of the runners."""

import importlib.machinery
import importlib.util
import unittest
from pathlib import Path
from xml.etree import ElementTree

SCRIPT = str(Path(__file__).parents[2] / "scripts" / "results.py")
spec = importlib.util.spec_from_loader("suites", importlib.machinery.SourceFileLoader("suites", SCRIPT))
suites = importlib.util.module_from_spec(spec)
spec.loader.exec_module(suites)


def read(suite, text):
    tests, total = suites.read(suite, text.splitlines())
    return [(test.group, test.name, test.outcome) for test in tests], total, tests


class Cargo(unittest.TestCase):
    TEXT = """     Running tests/cancel.rs (target/debug/deps/cancel-1)

running 3 tests
test a_call_ends ... ok
test a_run_ends has been running for over 60 seconds
test a_run_ends ... FAILED
test one_more ... ignored, needs time

failures:

---- a_run_ends stdout ----

thread 'a_run_ends' panicked at tests/cancel.rs:9:5:
it did not

failures:
    a_run_ends

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s

     Running tests/files.rs (target/debug/deps/files-2)

running 1 test
test a_run_ends ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
"""

    def test_counts_and_cases(self):
        cases, total, tests = read("cluster", self.TEXT)
        self.assertEqual(cases, [
            ("tests/cancel.rs", "a_call_ends", "passed"),
            ("tests/cancel.rs", "a_run_ends", "failed"),
            ("tests/cancel.rs", "one_more", "skipped"),
            ("tests/files.rs", "a_run_ends", "passed"),
        ])
        self.assertEqual(total, (2, 1))
        self.assertIn("it did not", tests[1].said)

    def test_one_that_did_not_come_to_its_end_has_no_sum(self):
        self.assertIsNone(read("cluster", "test a_call_ends ... ok\nerror: signal: 9")[1])


class Regress(unittest.TestCase):
    def test_as_15_says_it(self):
        cases, total, tests = read("regress", """test basics                       ... ok          275 ms
test errors                       ... FAILED      268 ms

======================
 1 of 2 tests failed.
======================""")
        self.assertEqual(cases, [("", "basics", "passed"), ("", "errors", "failed")])
        self.assertEqual(total, (1, 1))
        self.assertEqual(tests[0].seconds, 0.275)

    def test_as_16_and_later_say_it(self):
        cases, total, tests = read("isolation", """ok 1         - row_locks                                  1275 ms
not ok 2     - kept                                         33 ms
1..2
# 1 of 2 tests failed.""")
        self.assertEqual(cases, [("", "row_locks", "passed"), ("", "kept", "failed")])
        self.assertEqual(total, (1, 1))
        self.assertEqual(tests[0].seconds, 1.275)
        self.assertEqual(read("isolation", "ok 1  - kept  3 ms\n# All 1 tests passed.")[1], (1, 0))


class Unittest(unittest.TestCase):
    TEXT = """test_it (test_a.Some.test_it)
It does. ... ok
test_other (test_a.Some.test_other) ... here is what it prints
FAIL
test_third (test_a.Some) ... skipped 'not here'

======================================================================
FAIL: test_other (test_a.Some.test_other)
----------------------------------------------------------------------
AssertionError: 1 != 2

----------------------------------------------------------------------
Ran 3 tests in 0.001s

FAILED (failures=1, skipped=1)
"""

    def test_counts_and_cases(self):
        cases, total, tests = read("stores", self.TEXT)
        self.assertEqual(cases, [
            ("test_a.Some", "test_it", "passed"),
            ("test_a.Some", "test_other", "failed"),
            ("test_a.Some", "test_third", "skipped"),
        ])
        self.assertEqual(total, (2, 1))
        self.assertIn("AssertionError: 1 != 2", tests[1].said)

    def test_an_environment_without_a_test_has_failed(self):
        text = "py311-a: commands[0]> python -m x\n" + self.TEXT + "  py311-a: FAIL code 1 (1.0 seconds)\n  py311-b: FAIL code 1\n"
        cases, total, _ = read("clients", text)
        self.assertEqual(cases[0][0], "py311-a.test_a.Some")
        self.assertEqual(total, (2, 2))


class JUnit(unittest.TestCase):
    def test_is_xml_whatever_a_test_has_said(self):
        _, _, tests = read("stores", Unittest.TEXT)
        tests[1].said.append("\x1b[1m & <\0")
        suite = ElementTree.fromstring(suites.junit("stores", tests))
        self.assertEqual((suite.get("tests"), suite.get("failures"), suite.get("skipped")), ("3", "1", "1"))
        self.assertEqual(suite[1].get("name"), "test_other")
        self.assertIn("?[1m & <?", suite[1].find("failure").text)
