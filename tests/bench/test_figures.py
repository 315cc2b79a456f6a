"""The arithmetic of the comparison."""

import unittest

from bench import figures, goals, text


def measured(way, number, seconds, **more):
    return {"way": way, "round": number, "seconds": seconds, **more}


class Rounds(unittest.TestCase):
    def test_a_ratio_is_taken_within_each_round(self):
        # The second round was three times slower for both: the ratio of the medians would be 2 / 3.
        found = [measured("function", 1, 1.0), measured("delete", 1, 2.0), measured("function", 2, 3.0),
                 measured("delete", 2, 6.0), measured("function", 3, 2.0), measured("delete", 3, 3.0)]
        self.assertEqual(figures.ratio(found, "function", "delete", "seconds"), 0.5)

    def test_a_round_without_the_other_way_has_no_ratio(self):
        found = [measured("function", 1, 1.0), measured("delete", 2, 1.0)]
        self.assertIsNone(figures.ratio(found, "function", "delete", "seconds"))

    def test_a_way_that_was_given_up_has_no_median(self):
        found = [measured("skip_locked", 1, None, given_up_after=600)]
        self.assertIsNone(figures.middle(found, "skip_locked", "seconds"))
        self.assertIsNone(figures.spread(found, "skip_locked", "seconds"))

    def test_the_median_and_the_spread_are_of_all_rounds(self):
        found = [measured("delete", number, seconds) for number, seconds in enumerate((3.0, 1.0, 2.0, 9.0))]
        self.assertEqual(figures.middle(found, "delete", "seconds"), 2.5)
        self.assertEqual(figures.spread(found, "delete", "seconds"), (1.0, 9.0))


class Intervals(unittest.TestCase):
    def test_five_rounds_hold_no_median_with_95_percent(self):
        self.assertIsNone(figures.interval([1.0, 2.0, 3.0, 4.0, 5.0]))

    def test_six_rounds_hold_it_between_the_least_and_the_most(self):
        self.assertEqual(figures.interval([6.0, 1.0, 2.0, 3.0, 4.0, 5.0]), (1.0, 6.0))

    def test_of_ten_rounds_the_least_and_the_most_may_be_left_out(self):
        # 1 - 2 * (1 + 10) / 2**10 = 97.9 %; without two at each end it were 89 %.
        self.assertEqual(figures.interval([float(number) for number in range(10)]), (1.0, 8.0))


class Idle(unittest.TestCase):
    def renewals(self, way, number, p99, samples=1000, **more):
        return {"way": way, "round": number, "p99": p99, "samples": samples, **more}

    def test_a_way_is_compared_with_the_idle_site_beside_it(self):
        found = [self.renewals("idle", 1, 1.0), self.renewals("worker", 1, 6.0, p99_idle=4.0)]
        self.assertEqual(figures.p99_of_idle(found, "worker"), 1.5)

    def test_without_it_with_that_of_the_round(self):
        found = [self.renewals("idle", 1, 2.0), self.renewals("worker", 1, 6.0)]
        self.assertEqual(figures.p99_of_idle(found, "worker"), 3.0)

    def test_a_percentile_of_few_samples_tells_nothing(self):
        found = [self.renewals("idle", 1, 2.0), self.renewals("delete", 1, 6.0, samples=159)]
        self.assertIsNone(figures.p99_of_idle(found, "delete"))


class Percentiles(unittest.TestCase):
    def test_they_are_values_that_were_measured(self):
        found = figures.latencies(list(range(1000, 0, -1)))
        self.assertEqual(found, {"p50": 500, "p99": 990, "p999": None, "max": 1000, "samples": 1000})

    def test_there_is_none_of_too_few_values(self):
        found = figures.latencies([1.0] * 499)
        self.assertIsNone(found["p99"])
        self.assertEqual(found["p50"], 1.0)
        self.assertEqual(figures.latencies([1.0] * 500)["p99"], 1.0)
        self.assertIsNone(figures.latencies([])["max"])


class Goals(unittest.TestCase):
    def results(self, function, delete):
        found = [measured("function", 1, function), measured("delete", 1, delete)]
        return {"scenarios": {"first_90": {"measurements": found}}}

    def verdict(self, results):
        return goals.judge(results)[0][2]

    def test_the_limit_itself_is_met(self):
        self.assertEqual(self.verdict(self.results(0.8, 1.0)), "met")

    def test_beyond_the_limit_is_missed(self):
        self.assertEqual(self.verdict(self.results(0.81, 1.0)), "missed")

    def test_what_was_not_measured_is_neither(self):
        self.assertEqual({verdict for _, _, verdict in goals.judge({"scenarios": {}})}, {"not measured"})

    def test_a_goal_of_the_worst_is_that_of_the_scenario_in_which_the_way_is_slowest(self):
        def scenario(seconds, full):
            return {"measurements": [measured("procedure", 1, seconds), measured("rewrite", 1, 1.0),
                                     measured("delete", 1, 1.0), measured("delete_vacuum_full", 1, full)]}

        results = {"scenarios": {"first_90": scenario(0.5, 4.0), "first_90_later": scenario(0.95, 2.5),
                                 "first_50": scenario(0.6, 1.5), "replica": scenario(2.0, 1.0)}}
        worst = {goal.what.split(",")[0]: (value, verdict) for goal, value, verdict in goals.judge(results)
                 if "does worst" in goal.what}
        self.assertEqual(worst["procedure"], (0.95, "missed"))
        self.assertEqual(worst["rewrite"], (2.5, "missed"))
        self.assertEqual(worst["function"], (None, "not measured"))

    def test_a_goal_to_be_exceeded_is_missed_below_it(self):
        found = [measured("procedure", 1, 1.0), measured("skip_locked", 1, 3.9)]
        results = {"scenarios": {"first_90": {"measurements": found}}}
        verdicts = {goal.against: verdict for goal, _, verdict in goals.judge(results)}
        self.assertEqual(verdicts["times faster than `SKIP LOCKED`"], "missed")


    def test_a_figure_of_many_tables_is_that_of_its_site(self):
        sites = [{"key": "policies_200", "cpu_seconds": 0.0021}, {"key": "policies_3000", "cpu_seconds": 0.002}]
        results = {"scenarios": {"many": {"sites": sites}}}
        verdicts = {goal.what: verdict for goal, _, verdict in goals.judge(results) if goal.against == "processor time"}
        self.assertEqual(verdicts["worker, a run that finds nothing, 200 policies and a week of history"], "missed")
        self.assertEqual(verdicts["worker, 3,000 policies, nothing to clear"], "met")


class Texts(unittest.TestCase):
    def test_figures_have_three_digits(self):
        shown = [text.seconds(value) for value in (0.0412, 0.412, 4.12, 41.23, 412, 4123)]
        self.assertEqual(shown, ["0.0412 s", "0.412 s", "4.12 s", "41.2 s", "412 s", "4,123 s"])

    def test_sizes_count_by_1024(self):
        shown = [text.size(value) for value in (0, 999, 1024, 216 << 10, 3 << 20, 5000 << 20, 24 << 30)]
        self.assertEqual(shown, ["0 B", "999 B", "1.0 kB", "216 kB", "3.0 MB", "5,000 MB", "24 GB"])

    def test_a_limit_has_no_digits_that_say_nothing(self):
        wanted = [goals.GOALS[number].wanted() for number in (0, 3, 12)]
        self.assertEqual(wanted, ["at most 0.8×", "at least 50×", "at most 1/50"])


if __name__ == "__main__":
    unittest.main()
