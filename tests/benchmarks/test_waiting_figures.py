"""What is made of the figures of waiting: percentiles, ratios to the best peer, and a verdict that can be no."""

from __future__ import annotations

import math
from typing import Any

import pytest
from benchmarks.waiting import ContenderError, measured_in, renewed
from benchmarks.waiting_figures import Figures, Series, figures, lateness, percentile, summary
from benchmarks.waiting_job import Event, Job, Outcome
from benchmarks.waiting_plan import ALONE, ENTRIES, OURS, Plan
from benchmarks.waiting_project import ELSEWHERE, Course, Project
from benchmarks.waiting_tables import all_tables
from benchmarks.waiting_verdicts import verdicts

KIB = 1024
ENTRY = {entry.contender: entry for entry in ENTRIES}
JOB = Job(OURS, 10, 10.0, 10.0, 60.0, 15.0, 0.2, 0, "", "", "", 0)


def seen(requests: int = 100, cpu: float = 1.0, **more: Any) -> Figures:
    """One run, in which all went well unless it says otherwise."""
    usual: dict[str, Any] = {
        "requests_while_starting": 0,
        "connections": 0,
        "server_cpu": 0.0,
        "own": 10.0 * KIB,
        "resident": 10.0 * KIB,
        "delays": [0.001],
        "latencies": [5.0],
        "largest_gap": 11.0,
        "typical_gap": 10.5,
    }
    return Figures(requests=requests, cpu=cpu, **{**usual, **more})


def described(waiting: int = 1000, /, **rounds: list[Figures]) -> dict[str, Any]:
    """Describe rounds by the name of a contender, with an underscore for its hyphen."""
    all_series = [Series(ENTRY[name.replace("_", "-")], dict(enumerate(found))) for name, found in rounds.items()]
    return summary(waiting, 60.0, 10.0, all_series)


def verdict(size: dict[str, Any], part: str) -> bool:
    (found,) = [one for one in verdicts([size]) if part in one["what"]]
    return bool(found["met"])


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        (range(1, 101), 99, 99),
        (range(1, 101), 50, 50),
        ([7], 99, 7),
        ([3, 1, 2], 50, 2),
        ([1, 2, math.inf], 50, 2),
        ([1, 2, math.inf], 99, None),
        ([], 50, None),
    ],
)
def test_a_percentile_is_a_value_that_was_seen(values: list[float], percent: float, expected: float | None) -> None:
    assert percentile(values, percent) == expected


def test_what_a_process_measured_is_found_among_what_is_logged() -> None:
    outcome = Outcome(cpu=1.5, events=[Event(1, 2.0, "ready")])
    found = measured_in(f"2026-01-01 begins\n{outcome.dump()}\n2026-01-01 [error] a look failed\n")
    assert (found.cpu, found.events) == (outcome.cpu, outcome.events)
    with pytest.raises(ContenderError, match="a look failed"):
        measured_in("begins\na look failed\n")


def test_a_ratio_is_taken_within_a_round_to_its_best_peer() -> None:
    size = described(
        ittybit_files=[seen(10), seen(20), seen(10)],
        aiohttp=[seen(600), seen(600), seen(600)],
        dbt_cloud=[seen(700), seen(500), seen(700)],
    )
    ratio = size["contenders"][0]["peers_requests_ratio"]
    assert ratio["ratios"] == [60, 25, 60]
    assert ratio["median"] == 60
    assert ratio["best"] == ["DbtCloudRunJobTrigger", "plain aiohttp loop"]


@pytest.mark.parametrize("behind", [{"largest_gap": 15.1}, {"wrong": 1}, {"latencies": [1.0, math.inf]}])
def test_a_peer_that_falls_behind_is_not_the_best_for_asking_less(behind: dict[str, Any]) -> None:
    size = described(ittybit_files=[seen(10)], aiohttp=[seen(600)], anthropic=[seen(50, **behind)])
    assert size["contenders"][0]["peers_requests_ratio"]["ratios"] == [60]


def test_where_no_peer_keeps_up_the_one_that_needs_least_is_the_best() -> None:
    late = {"largest_gap": 30.0}
    size = described(ittybit_files=[seen(10)], aiohttp=[seen(600, **late)], anthropic=[seen(50, **late)])
    assert size["contenders"][0]["peers_requests_ratio"]["ratios"] == [5]


@pytest.mark.parametrize(("requests", "cpu", "fewer", "less"), [(2, 0.1, True, True), (3, 0.11, False, False)])
def test_too_many_requests_and_too_much_cpu_are_said(requests: int, cpu: float, *, fewer: bool, less: bool) -> None:
    size = described(ittybit_files=[seen(requests, cpu)], aiohttp=[seen(100, 1.0)])
    assert verdict(size, "requests") is fewer
    assert verdict(size, "CPU") is less


@pytest.mark.parametrize(("delay", "met"), [(0.020, True), (0.021, False)])
def test_a_late_event_loop_is_said(delay: float, *, met: bool) -> None:
    assert verdict(described(ittybit_files=[seen(delays=[*[0.0] * 98, delay, 1.0])]), "event loop") is met


@pytest.mark.parametrize(
    ("late", "expected"), [(-0.001, [0.0]), (0.004, [0.004]), (0.025, [0.025, 0.015, 0.005]), (0.0, [0.0])]
)
def test_a_loop_that_stood_still_was_late_for_all_that_should_have_run(late: float, expected: list[float]) -> None:
    assert lateness(late, 0.01) == pytest.approx(expected)


@pytest.mark.parametrize("broken", [None, "aiohttp"])
def test_without_one_of_the_peers_nothing_is_said_to_be_reached(broken: str | None) -> None:
    size = described(ittybit_files=[seen(1, 0.1)], anthropic=[seen(100, 2.0)], aiohttp=[seen(100, 2.0)])
    for one in size["contenders"]:
        one["error"] = "it ended" if one["name"] == broken else None
    assert verdict(size, "requests") is verdict(size, "CPU") is (broken is None)


@pytest.mark.parametrize(("own", "met"), [(17, True), (18, False)])
def test_memory_beyond_what_airflow_needs_is_said(own: int, *, met: bool) -> None:
    size = described(airflow=[seen(own=7 * KIB)], ittybit_files=[seen(own=own * KIB)])
    assert verdict(size, "memory") is met


@pytest.mark.parametrize(
    ("rounds", "met"),
    [
        ([seen(), seen(largest_gap=15.0)], True),
        ([seen(), seen(largest_gap=15.1)], False),
        ([seen(), seen(wrong=1)], False),
        ([seen(), seen(latencies=[math.inf])], False),
    ],
)
def test_an_interval_that_is_not_kept_in_each_round_is_said(rounds: list[Figures], *, met: bool) -> None:
    assert verdict(described(10_000, ittybit_files=rounds), "between two looks") is met


def test_time_to_the_event_counts_from_the_end_on_the_server() -> None:
    outcome = Outcome(events=[Event(1, 105.0, ""), Event(2, 99.0, "too soon")], failures=1)
    report = {"due": [[1, 101.0], [2, 100.0], [3, 102.0]], "gap_max": 1.0, "gap_median": 1.0, "by_route": {}}
    counts = {"requests": 1, "requests_while_starting": 0, "connections": 0, "server_cpu": 0.0}
    found = figures(JOB, outcome, report | counts)
    assert sorted(found.latencies) == [4.0, math.inf, math.inf]
    assert found.wrong == 2
    assert found.failure == "event of what was not done: too soon"


def test_the_server_keeps_the_largest_gap_of_each_resource_within_the_measured_time() -> None:
    project = Project(Course(waiting=2, spread=10.0, seconds=60.0, share=0.0), now=0.0)
    for moment in (1.0, 9.0, 20.0, 24.0, 65.0, 100.0):
        project.looked(0, moment)
    project.looked(1, 69.0)
    report = project.report(0.0)
    assert report["gap_max"] == 69.0 - 5.0, "the second trigger was to start half-way"
    assert report["gap_median"] == (41.0 + 64.0) / 2


def test_what_was_seen_done_need_not_be_looked_at_again() -> None:
    project = Project(Course(waiting=1, spread=0.0, seconds=60.0, share=1.0), now=0.0)
    project.looked(0, 30.0)
    (due,) = project.due.values()
    project.looked(0, due + 1)
    assert 30.0 <= due <= 60.0
    assert project.report(0.0)["gap_max"] == max(30.0, due + 1 - 30.0 if due < 59.0 else 0.0)


def test_requests_before_and_after_the_measured_time_are_told_apart() -> None:
    project = Project(Course(waiting=1, spread=10.0, seconds=60.0), now=0.0)
    for moment in (5.0, 10.0, 69.0, 70.0, 71.0):
        project.tally(moment).count("one file")
    report = project.report(0.0)
    assert (report["requests_while_starting"], report["requests"]) == (1, 2)


def test_all_contenders_of_a_round_wait_for_the_same_ends_and_those_of_another_round_do_not() -> None:
    first, again, other = (Course(1000, 10.0, 60.0, number=number).due(0.0) for number in (0, 0, 1))
    assert first == again != other
    assert len(first) == 50
    assert all(30.0 <= due <= 60.0 for due in first.values())


def test_a_list_shows_the_newest_first_and_others_in_between() -> None:
    listed = Project(Course(waiting=30, spread=0.0, seconds=1.0), now=0.0).listed
    assert [number for number in listed if number < ELSEWHERE] == list(range(29, -1, -1))
    assert listed[10] >= ELSEWHERE
    assert len(set(listed)) == len(listed)


def test_a_contender_that_failed_is_in_the_table_with_its_reason() -> None:
    failed = Series(ENTRY["dbt-cloud"], error="not installed")
    alone = Series(ENTRY[ALONE], {0: seen(latencies=[])})
    size = summary(1000, 60.0, 10.0, [alone, failed, Series(ENTRY[OURS], {0: seen(latencies=[5.0, math.inf])})])
    costs, keeping = all_tables({"sizes": [size], "wanted": []})
    assert costs.rows[1][:2] == ("DbtCloudRunJobTrigger", "failed")
    assert "not installed" in costs.note
    assert keeping.rows[0][:4] == ("ittybit, files", "5.0 s", "not in time", "1 of 2")


def test_the_plan_has_the_sizes_for_which_something_is_wanted() -> None:
    assert Plan().sizes == (1_000, 10_000)
    assert {OURS, "ittybit-tasks"} <= {entry.contender for entry in Plan().entries}


def test_figures_of_other_sizes_are_kept_and_judged_with_the_new_ones() -> None:
    earlier = [described(1000, ittybit_files=[seen(cpu=1.0)], aiohttp=[seen(cpu=50.0)])]
    many = described(10_000, ittybit_files=[seen(cpu=2.0)], aiohttp=[seen(cpu=50.0)])
    again = described(1000, ittybit_files=[seen(cpu=25.0)], aiohttp=[seen(cpu=50.0)])
    both = renewed({"sizes": earlier, "wanted": []}, {"sizes": [many], "wanted": []})
    assert [size["waiting"] for size in both["sizes"]] == [1000, 10_000]
    cpu = [one["met"] for one in both["wanted"] if "CPU" in one["what"] and "1,000" in one["what"]]
    assert cpu == [True]
    worse = renewed(both, {"sizes": [again], "wanted": []})
    assert [size["waiting"] for size in worse["sizes"]] == [1000, 10_000]
    assert [one["met"] for one in worse["wanted"] if "CPU" in one["what"] and "1,000" in one["what"]] == [False]
