"""Runs contenders in turns, A B C A B C …, each in a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.contenders import curl
from benchmarks.job import Job, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.plan import Entry, Experiment

PATIENCE = 300
"""Seconds after which a process is given up."""
FRAMING = 64 * 1024
"""Bytes that a form may add to a file."""


class ContenderError(Exception):
    """A contender did not do its upload; the text says why."""


@dataclass(slots=True)
class Series:
    """The outcomes of one contender.

    :param entry: the contender.
    :param outcomes: one for each round that counts.
    :param error: why it was left out, if it was.
    """

    entry: Entry
    outcomes: list[Outcome] = field(default_factory=list)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs experiments.

    :param environment: of each process.
    :param rounds: how many count, unless the experiment wants some times as many.
    :param tell: called with a line for the impatient.
    """

    environment: Mapping[str, str]
    rounds: int
    tell: Callable[[str], None]

    def run(
        self, experiment: Experiment, job: Callable[[Entry], Job], arrived: Callable[[], int] | None
    ) -> list[Series]:
        """Run one experiment.

        :param job: makes the job of a contender.
        :param arrived: tells how many bytes the server got, to be sure that the upload happened.
        """
        all_series = [Series(entry) for entry in experiment.entries]
        for number in range(-int(experiment.warm_up), self.rounds * experiment.times):
            which = f"round {number + 1}" if number >= 0 else "warm-up"
            for series in all_series:
                if series.error is not None:
                    continue
                try:
                    outcome = measure(job(series.entry), self.environment)
                    if arrived is not None:
                        _check(arrived(), experiment.size)
                except ContenderError as error:
                    series.error = str(error)
                    self.tell(f"{experiment.title}, {which}: {series.entry.label}: {error}")
                    continue
                if number >= 0:
                    series.outcomes.append(outcome)
                self.tell(f"{experiment.title}, {which}: {series.entry.label} {outcome.seconds:.2f} s")
        return all_series


def measure(job: Job, environment: Mapping[str, str]) -> Outcome:
    """Do one job in a fresh process.

    :raises ContenderError: it ended badly, or not at all.
    """
    return _curl(job, environment) if job.contender.startswith("curl-") else _python(job, environment)


def _python(job: Job, environment: Mapping[str, str]) -> Outcome:
    command = [sys.executable, "-m", "benchmarks.measured_process"]
    try:
        done = subprocess.run(  # noqa: S603 - one of our own modules
            command,
            input=job.dump(),
            capture_output=True,
            text=True,
            env=environment,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        message = f"gave up after {PATIENCE} s"
        raise ContenderError(message) from None
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
        raise ContenderError(last)
    outcome = Outcome(**json.loads(done.stdout.strip().splitlines()[-1]))
    if outcome.late:
        message = f"imported while it was measured, which would count as its time: {', '.join(outcome.late)}"
        raise ContenderError(message)
    return outcome


def _curl(job: Job, environment: Mapping[str, str]) -> Outcome:
    """Take curl's own ``time_total``; its CPU is that of the whole process, its memory is not looked at."""
    command = [*curl(job.contender, job), "--max-time", str(PATIENCE)]
    try:
        with subprocess.Popen(  # noqa: S603 - curl, from the user's PATH
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            seconds, error = process.stdout.read(), process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    except FileNotFoundError:
        message = "not installed"
        raise ContenderError(message) from None
    if process.returncode:
        raise ContenderError(error.strip() or f"status {process.returncode}")
    return Outcome(float(seconds), usage.ru_utime + usage.ru_stime, 0, 0)


def _check(arrived: int, size: int) -> None:
    if not size <= arrived <= size + FRAMING:
        message = f"{arrived} bytes arrived of a file of {size}"
        raise ContenderError(message)
