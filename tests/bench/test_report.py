"""What the documents show of the comparison."""

import unittest

from bench import report, results as files, tables
from bench.options import BadOption

BLOCKS = {"first": "| a |", "goals": "| b |"}
DOCUMENT = """# Title

<!-- results: first -->

| old |

<!-- end of results -->

Text.

<!-- results: goals -->
<!-- end of results -->
"""


class Blocks(unittest.TestCase):
    def test_each_is_filled_and_the_rest_stays(self):
        filled = report.fill(DOCUMENT, BLOCKS)
        self.assertEqual(filled, """# Title

<!-- results: first -->

| a |

<!-- end of results -->

Text.

<!-- results: goals -->

| b |

<!-- end of results -->
""")
        self.assertEqual(report.fill(filled, BLOCKS), filled)

    def test_one_that_has_no_results_is_an_error(self):
        with self.assertRaisesRegex(BadOption, "'goals'"):
            report.fill(DOCUMENT, {"first": "| a |"})

    def test_one_that_shows_something_else_is_named(self):
        filled = report.fill(DOCUMENT, BLOCKS).replace("| b |", "| 99 |")
        self.assertEqual(report.differences({"docs.md": filled}, BLOCKS), ["docs.md: goals"])
        self.assertEqual(report.differences({"docs.md": report.fill(DOCUMENT, BLOCKS)}, BLOCKS), [])


class Tables(unittest.TestCase):
    def results(self, **more):
        first = [{"way": way, "round": number, "seconds": seconds, "rows": 900, "wal_bytes": 2048, "dirtied": 7,
                  "client_bytes": 4096, "server_bytes": 8192, "bytes_after": 16384, **more}
                 for way, times in {"delete": (1.0, 3.0), "function": (0.5, 1.5)}.items()
                 for number, seconds in enumerate(times)]
        return {"scenarios": {"first_90": {"title": "90 %", "rows": 1000, "measurements": first}}}

    def test_a_row_has_a_ways_medians_and_what_they_are_of_deletes(self):
        row = tables.first_table(self.results()).split("\n")[3]
        self.assertEqual(row, "| **raw_clear_sessions** | 1.00 s (0.500 s to 1.50 s) | 0.500× | 900 | 2.0 kB | 7 | "
                              "4.0 kB | 8.0 kB | 16 kB |")

    def test_a_way_that_was_given_up_says_after_what_time(self):
        results = self.results(seconds=None, given_up_after=600)
        self.assertIn("| DELETE | over 600 s |", tables.first_table(results))

    def test_a_block_whose_scenario_was_not_measured_says_so(self):
        results = self.results() | {"versions": {"postgresql": "15"}}
        self.assertEqual(self.blocks(results)["latency"], "Not measured in this run.")
        self.assertIn("first", self.blocks(results))

    def test_a_site_of_many_tables_has_a_column_and_the_scenario_its_date(self):
        sites = [{"key": "policies_200", "tables": 200, "cpu_seconds": 0.001, "wal_bytes": 256, "status_cpu_seconds": 0.02},
                 {"key": "tenants_1000", "tables": 1000, "cpu_seconds": 0.002, "wal_bytes": 512}]
        found = tables.many_table({"scenarios": {"many": {"date": "2026-11-26", "commit": "abc", "sites": sites}}})
        self.assertTrue(found.startswith("2026-11-26, commit abc:\n\n"))
        self.assertIn("| a round, processor time | 0.200 s | 2.00 s |", found)
        self.assertIn("| the view `status`, processor time | 20.0 ms | – |", found)

    def test_a_scenario_is_taken_over_alone(self):
        found = files.with_scenario(self.results(), "many", {"sites": []})
        self.assertEqual(list(found["scenarios"]), ["first_90", "many"])

    def blocks(self, results):
        about = {"processor": "", "cores": 2, "memory_bytes": 1, "file_system": "", "system": "", "kernel": ""}
        return tables.blocks(results | {"machine": about, "date": "", "rows": 1, "rounds": 1, "settings": {}})


class Documents(unittest.TestCase):
    def test_they_show_what_the_results_say(self):
        self.assertEqual(report.check(), 0)


if __name__ == "__main__":
    unittest.main()
