"""The benchmarks around their timing: what is kept, compared and drawn. Nothing here looks at a clock."""

import xml.etree.ElementTree as ET

import pytest

from benchmarks import chart, targets
from benchmarks.__main__ import SCENARIOS
from benchmarks.harness.figures import Figure, Sample, Spread, ratio
from benchmarks.report import Report, regressions
from benchmarks.server.limits import Bucket, Window


def sample(rate):
    return Sample(items=rate, seconds=1.0, cpu=1.0, server_cpu=0.1, idle_mib=None, peak_mib=None)


def figure(middle, low=None, high=None, better="higher"):
    return Figure(name="x", spread=Spread(middle, low or middle, high or middle), unit="x", better=better)


def measured(one):
    return {"scenario": {"x": one}}


def test_every_scenario_is_listed():
    folder = chart.HERE / "scenarios"
    assert set(SCENARIOS) == {file.stem for file in folder.glob("*.py")} - {"__init__"}


def test_every_target_is_numbered_and_there_are_thirteen():
    assert {target.code for target in targets.TARGETS} == {f"P{number}" for number in range(1, 14)}


def test_a_ratio_is_that_of_each_round():
    ours, theirs = [sample(200), sample(20), sample(30)], [sample(100), sample(10), sample(10)]
    assert ratio(ours, theirs) == Spread(2.0, 2.0, 2.5)


@pytest.mark.parametrize(
    ("old", "new", "worse"),
    [
        (figure(2.0, 1.9, 2.1), figure(1.5, 1.4, 1.6), True),
        (figure(2.0, 1.9, 2.1), figure(2.5, 2.4, 2.6), False),
        (figure(2.0, 1.6, 2.4), figure(1.6, 1.3, 1.9), False),
        (figure(2.0, better="lower"), figure(3.0, better="lower"), True),
        (figure(2.0, better="lower"), figure(2.1, better="lower"), False),
        (figure(2.0, better=None), figure(0.1, better=None), False),
    ],
    ids=["worse", "better", "within the noise", "more of what should be less", "a little", "only informs"],
)
def test_only_what_is_worse_by_more_than_the_noise_is_named(old, new, worse):
    assert bool(list(regressions(measured(old), measured(new)))) is worse


def test_a_report_comes_back_as_it_was_saved(tmp_path):
    report = Report({"python": "CPython"}, measured(figure(2.0, 1.9, 2.1)))
    report.save(tmp_path / "report.json")
    assert Report.load(tmp_path / "report.json") == report


def test_the_chart_and_the_table_are_those_of_the_results_kept():
    report = Report.load(chart.RESULTS)
    assert chart.CHART.read_text(encoding="utf-8") == chart.draw(report)
    readme = chart.README.read_text(encoding="utf-8")
    assert readme == chart.with_table(readme, report)
    ET.fromstring(chart.draw(report))


def test_the_results_kept_hold_a_figure_for_every_target():
    kept = Report.load(chart.RESULTS).measured
    assert not [one for one in targets.TARGETS if one.figure not in kept.get(one.scenario, {})]


@pytest.mark.parametrize(
    ("limit", "first"), [(Bucket(100), 10), (Bucket(100, depth=1.0), 100), (Window(100), 100)]
)
def test_a_limit_allows_its_rate_and_says_how_long_to_wait(limit, first):
    at_once = [limit.refuse(1000.0) for _ in range(150)]
    assert at_once == [0] * first + [1] * (150 - first)
    allowed = sum(limit.refuse(1001.0 + n / 1000) == 0 for n in range(10_000))
    assert 1000 <= allowed <= 1000 + first
    limit.rate = 40
    allowed = sum(limit.refuse(1011.0 + n / 1000) == 0 for n in range(10_000))
    assert 400 <= allowed <= 400 + first
