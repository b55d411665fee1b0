"""Which ways to wait are compared, as rows."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024
INTERVAL = 10.0
LATENCY = 0.1
SECONDS = 60.0
SIZES = (1_000, 10_000)
RUNS = 3
SHARE = 0.05
ALONE = "airflow"
"""The contender that measures what triggers cost by themselves."""
OURS = "ittybit-files"


@dataclass(frozen=True, slots=True)
class Entry:
    """One contender.

    :param contender: its name in ``waiting_contenders``.
    :param label: what the table calls it.
    :param peer: whether ours are compared with it.
    :param share: part of what it waits for that gets done.
    :param most_seconds: seconds measured at most.
    :param asked: whether it takes part only when it is asked for.
    """

    contender: str
    label: str
    peer: bool = False
    share: float = SHARE
    most_seconds: float = SECONDS * 10
    asked: bool = False


ENTRIES = (
    Entry(ALONE, "Airflow's own, sleeping", share=0.0, most_seconds=INTERVAL),
    Entry(OURS, "ittybit, files"),
    Entry("ittybit-tasks", "ittybit, tasks with events"),
    Entry("ittybit-plain", "ittybit, shared_poller off", asked=True),
    Entry("dbt-cloud", "DbtCloudRunJobTrigger", peer=True),
    Entry("http-sensor", "HttpSensorTrigger", peer=True),
    Entry("anthropic", "AnthropicBatchTrigger", peer=True),
    Entry("aiohttp", "plain aiohttp loop", peer=True),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run.

    :param sizes: numbers of waiting triggers.
    :param runs: rounds for each size.
    :param seconds: time that is measured.
    :param interval: seconds between two looks; the triggers start in the course of one.
    :param latency: seconds the server takes to answer.
    :param longer: seconds that are left for events to come after the usual ones.
    :param entries: the contenders.
    """

    sizes: tuple[int, ...] = SIZES
    runs: int = RUNS
    seconds: float = SECONDS
    interval: float = INTERVAL
    latency: float = LATENCY
    longer: float = 0.0
    entries: tuple[Entry, ...] = tuple(entry for entry in ENTRIES if not entry.asked)

    @property
    def grace(self) -> float:
        """Seconds after the measured time: who looks once in an interval has looked again by then."""
        return 1.5 * self.interval + self.longer

    def minutes(self) -> float:
        """Guess how long it takes, with some seconds for each process to begin."""
        times = self.interval + self.grace + 8
        once = sum(times + min(self.seconds, entry.most_seconds) for entry in self.entries)
        return once * self.runs * len(self.sizes) / 60


def quick() -> Plan:
    """A small look that needs no other package: whether it works, not what it costs."""
    names = (ALONE, OURS, "aiohttp")
    entries = tuple(entry for entry in ENTRIES if entry.contender in names)
    return Plan(sizes=(20,), runs=1, seconds=2.0, interval=0.5, latency=0.02, longer=3.0, entries=entries)
