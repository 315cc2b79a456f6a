"""The rules and the dashboard: as Prometheus and Grafana want them, and of metrics that there are."""

import json
import pathlib
import re
import tempfile
import unittest

from setting import MONITORING, defined_metrics, promtool


def names(expression):
    return set(re.findall(r"\braw_clear_sessions_\w+", expression))


def panels(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


class Files(unittest.TestCase):
    def dashboard(self):
        return json.loads((MONITORING / "dashboard.json").read_text())

    def test_the_rules_are_valid(self):
        promtool("check", "rules", MONITORING / "rules.yml")

    def test_the_rules_fire_when_they_should(self):
        promtool("test", "rules", pathlib.Path(__file__).parent / "rules_test.yml")

    def test_rules_and_dashboard_name_metrics_that_the_queries_make(self):
        metrics = defined_metrics()
        self.assertLessEqual(names((MONITORING / "rules.yml").read_text()), metrics)
        for panel in panels(self.dashboard()):
            for target in panel.get("targets", []):
                self.assertLessEqual(names(target["expr"]), metrics, panel["title"])

    def test_the_dashboard_shows_what_the_rules_watch(self):
        rules = (MONITORING / "rules.yml").read_text()
        watched = set().union(*(names(line) for line in rules.splitlines() if "description" not in line)) & defined_metrics()
        shown = set().union(*(names(target["expr"]) for panel in panels(self.dashboard()) for target in panel.get("targets", [])))
        self.assertLessEqual(watched, shown)

    def test_every_expression_of_the_dashboard_is_valid(self):
        rules = [
            {"record": f"panel:{number}", "expr": target["expr"].replace("$datname", ".*").replace("$relname", ".*")}
            for number, target in enumerate(target for panel in panels(self.dashboard()) for target in panel.get("targets", []))
        ]
        self.assertGreater(len(rules), 8)
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump({"groups": [{"name": "panels", "rules": rules}]}, file)
            file.flush()
            promtool("check", "rules", file.name)

    def test_the_panels_have_ids_of_their_own_and_do_not_overlap(self):
        all_panels = list(panels(self.dashboard()))
        self.assertEqual(len({panel["id"] for panel in all_panels}), len(all_panels))
        taken = set()
        for panel in all_panels:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(at["x"] + at["w"], 24)
            taken |= cells
