"""A real Airflow in processes of its own, whose task processes can be killed: scheduler, API server, DAG processor."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote
from urllib.request import ProxyHandler, Request, build_opener

import psutil
from free_ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")

CHECKOUT = Path(__file__).parents[2]
COMPONENTS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
}
STANDALONE = {"standalone": ["standalone"]}
"""All of Airflow as ``airflow standalone`` starts it: the triggerer as well."""
LONGEST = 120.0
"""Seconds that anything may take on a busy machine."""
START = 400.0
"""Seconds that the start may take: it imports Airflow four times, a minute of processor time in all."""
LOOK_EVERY = 0.1
ENDS = ("success", "failed")
HEARTBEAT_TIMEOUT = 15
"""Seconds without a heartbeat after which the scheduler gives a task up; Airflow's own default is 300."""
TRIGGERER_TIMEOUT = 12
"""Seconds without a heartbeat after which another triggerer takes over what one had; Airflow's own default is 30."""
LOCKED = 60.0
"""Seconds that one waits for the lock of the database: another may hold it for more than the usual 5."""


class NeverHappenedError(AssertionError):
    """What a test waited for did not come."""


def until(look: Callable[[], T | None], what: str, longest: float = LONGEST) -> T:
    """Look until there is something to see, and return it.

    This is the one place that lets time pass: another process has no event to wait for, so it is looked at again
    and again. The test goes on at the first look that sees something, and no test relies on how long that takes.
    """
    deadline = time.monotonic() + longest
    pause = threading.Event()
    while not (seen := look()):
        if time.monotonic() > deadline:
            message = f"{what}: not within {longest:.0f} s"
            raise NeverHappenedError(message)
        pause.wait(LOOK_EVERY)
    return seen


@dataclass
class ScheduledAirflow:
    """One Airflow with LocalExecutor and SQLite.

    :param home: its empty folder.
    :param environment: set for all its processes, so for the tasks as well.
    :param components: commands by name.
    """

    home: Path
    environment: dict[str, str]
    components: Mapping[str, list[str]] = field(default_factory=lambda: COMPONENTS)
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _token: str = ""

    def __enter__(self) -> Self:
        self._port, *self._log_ports = free_ports(3)
        self._environment = self._settings() | self.environment
        try:
            if self.components != STANDALONE:  # which makes its database itself
                self._run("db", "migrate")
            for name, command in self.components.items():
                self._processes[name] = self._start(name, command)
            until(self._is_healthy, "a healthy Airflow", START)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where its UI is."""
        return f"http://127.0.0.1:{self._port}"

    def stop(self) -> None:
        """Kill the processes that were started, and all that these started, each by its own id: nothing is kept."""
        sessions = {process.pid for process in self._processes.values()}
        try:
            until(lambda: not _kill_all(_in_sessions(sessions)), "the end of all processes")
        finally:
            for process in self._processes.values():
                process.wait(LONGEST)
            self._processes.clear()

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Ask Airflow's public API."""
        if not self._token:
            self._token = str(self._ask("GET", "/auth/token")["access_token"])
        return self._ask(method, f"/api/v2/{path}", body, {"Authorization": f"Bearer {self._token}"})

    def start_run(self, dag_id: str, *, when: Mapping[str, str | None] | None = None, **conf: Any) -> str:
        """Run a DAG, and return the path of the run in the API.

        :param when: its logical date and data interval; by default it has none.
        """
        until(lambda: self._knows(dag_id), f"the DAG {dag_id} in Airflow's database")
        run = self.call("POST", f"dags/{dag_id}/dagRuns", {**(when or {"logical_date": None}), "conf": conf})
        return f"dags/{dag_id}/dagRuns/{quote(run['dag_run_id'])}"

    def trigger(self, dag_id: str, **conf: Any) -> TaskRun:
        """Run a DAG of one task, and return its task."""
        run = self.start_run(dag_id, **conf)
        (task_id,) = [task["task_id"] for task in self.call("GET", f"{run}/taskInstances")["task_instances"]]
        return TaskRun(self, run, task_id)

    def restart(self, name: str, *, gracefully: bool = False) -> None:
        """Kill a component, wherever it was started, or tell it to end (SIGTERM), and start it anew."""
        sessions = {process.pid for process in self._processes.values()}
        found = [one for one in _in_sessions(sessions) if _is_airflow(one, name)]
        assert found, f"no {name} runs"
        whole = [one for process in found for one in [*process.children(recursive=True), process]]
        for process in found if gracefully else whole:
            _kill(process.pid, signal.SIGTERM if gracefully else signal.SIGKILL)
        until(lambda: all(map(_is_gone, whole)), f"no {name}")
        self._processes[name] = self._start(name, [name])

    def tail(self) -> str:
        """Return the last lines of all logs."""
        logs = [*self.home.glob("*.log"), *self.home.glob("logs/dag_id*/**/*.log")]
        return "\n".join(f"=== {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in logs)

    def _settings(self) -> dict[str, str]:
        options = {
            "API__BASE_URL": self.url,
            "API__HOST": "127.0.0.1",
            "API__PORT": self._port,
            "API__SECRET_KEY": secrets.token_hex(32),
            "API__WORKERS": 1,
            "API_AUTH__JWT_ISSUER": "airflow",  # Airflow 3.0 has none that the current PyJWT takes
            "API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
            "CORE__DAGS_FOLDER": self.home / "dags",
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__LOAD_EXAMPLES": False,
            "CORE__PARALLELISM": 2,
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": True,
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 600,
            "DAG_PROCESSOR__PARSING_PROCESSES": 1,
            "DATABASE__LOAD_DEFAULT_CONNECTIONS": False,
            "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home}/airflow.db?timeout={LOCKED:.0f}",
            "LOGGING__TRIGGER_LOG_SERVER_PORT": self._log_ports[0],
            "LOGGING__WORKER_LOG_SERVER_PORT": self._log_ports[1],
            "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": 1,
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.1,
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": HEARTBEAT_TIMEOUT,
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": 1,
            "TRIGGERER__JOB_HEARTBEAT_SEC": 1,
            "TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": TRIGGERER_TIMEOUT,
            "WORKERS__EXECUTION_API_TIMEOUT": 60,
            "WORKERS__MIN_HEARTBEAT_INTERVAL": 1,
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        path = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))
        commands = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        own = {"AIRFLOW_HOME": str(self.home), "PATH": commands, "PYTHONPATH": path, "NO_PROXY": "*", "no_proxy": "*"}
        return inherited | own | {f"AIRFLOW__{name}": str(value) for name, value in options.items()}

    def _start(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.home / f"{name}.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - Airflow's own command
                [sys.executable, "-m", "airflow", *command],
                cwd=self.home,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that stop() finds a task whose parents were killed
            )

    def _run(self, *command: str) -> None:
        process = self._processes[command[0]] = self._start(command[0], [*command])
        assert process.wait(START) == 0, self.tail()
        del self._processes[command[0]]

    def _is_healthy(self) -> bool:
        dead = [name for name, process in self._processes.items() if process.poll() is not None]
        assert not dead, f"{dead} ended: {self.tail()}"
        try:
            health = self._ask("GET", "/api/v2/monitor/health")
        except (URLError, ConnectionError):
            return False
        wanted = ["metadatabase", "scheduler", "dag_processor"]
        if {"standalone", "triggerer"} & set(self.components):
            wanted.append("triggerer")
        return all(health[name]["status"] == "healthy" for name in wanted)

    def _knows(self, dag_id: str) -> bool:
        errors = self.call("GET", "importErrors")["import_errors"]
        assert not errors, errors
        return any(dag["dag_id"] == dag_id for dag in self.call("GET", "dags")["dags"])

    def _ask(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self._port}{path}"
        request = Request(url, data, {"Content-Type": "application/json", **(headers or {})}, method=method)
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=LONGEST) as answer:
                return json.load(answer)
        except HTTPError as error:
            with error:
                message = f"{method} {path}: {error.code} {error.read().decode()}"
            raise AssertionError(message) from error


@dataclass(frozen=True)
class TaskRun:
    """The task of one DAG run, whose path in the API is ``run``."""

    airflow: ScheduledAirflow
    run: str
    task_id: str

    @property
    def path(self) -> str:
        """Where it is in the API."""
        return f"{self.run}/taskInstances/{self.task_id}"

    def facts(self) -> dict[str, Any]:
        """Return what Airflow knows of it: ``state``, ``try_number``, ``max_tries``, ``pid``, …"""
        return dict(self.airflow.call("GET", self.path))

    def notes(self) -> dict[str, Any]:
        """Return what its tries left in the task state store."""
        rows = self.airflow.call("GET", f"{self.path}/state-store")["task_state_store"]
        return {row["key"]: row["value"] for row in rows}

    def until_it(self, ended: str, try_number: int) -> dict[str, Any]:
        """Wait until a try ended in a state, and return the facts; another end fails the test at once."""

        def look() -> dict[str, Any] | None:
            facts = self.facts()
            if facts["try_number"] >= try_number and facts["state"] in ENDS:
                assert (facts["state"], facts["try_number"]) == (ended, try_number), self.airflow.tail()
                return facts
            return None

        return until(look, f"{ended} of try {try_number} of {self.run}")

    def kill_task(self) -> psutil.Process:
        """Kill the process that runs the operator, which Airflow's supervisor forked for this try alone."""
        process = psutil.Process(self.facts()["pid"])
        _kill(process.pid)
        return process

    @contextlib.contextmanager
    def killed_worker(self, *, with_task: bool) -> Iterator[None]:
        """Kill the executor's worker, in which Airflow's supervisor of the task runs, and the task or not.

        A task that outlives its worker is killed at the end, or it would send to the emulator of the next test.
        """
        task = psutil.Process(self.facts()["pid"])
        worker = task.parent()
        assert worker is not None
        assert "LocalExecutor" in " ".join(worker.cmdline())
        _kill(worker.pid)
        if with_task:
            _kill(task.pid)
        try:
            yield
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                task.kill()

    def until_deferred(self, try_number: int = 1) -> dict[str, Any]:
        """Wait until a try is deferred and its trigger runs, and return the facts."""

        def look() -> dict[str, Any] | None:
            facts = self.facts()
            assert facts["state"] not in ENDS, self.airflow.tail()
            is_waiting = facts["state"] == "deferred" and facts["try_number"] == try_number
            return facts if is_waiting and (facts["trigger"] or {}).get("triggerer_id") else None

        return until(look, f"the deferral of try {try_number} of {self.run}")

    def mark(self, state: str) -> None:
        """Mark it as ended, as a person does in the UI."""
        self.airflow.call("PATCH", self.path, {"new_state": state})

    def log(self) -> str:
        """Return what all its tries wrote so far, in workers and in the triggerer."""
        run_id = unquote(self.run.rsplit("/", 1)[-1])
        logs = self.airflow.home.glob(f"logs/dag_id=*/run_id={run_id}/task_id={self.task_id}/*.log")
        return "\n".join(log.read_text(errors="replace") for log in sorted(logs))

    def clear(self, *, while_it_runs: bool = False) -> None:
        """Clear it when its run has ended, as a person does who wants it to run again, or at once.

        Airflow 3.3.2 does not run a task again that is cleared while its run is just being marked as ended.
        """
        if not while_it_runs:
            until(self._ended_run, f"the end of {self.run}")
        facts = self.airflow.call("GET", self.run)
        wish = {"dry_run": False, "only_failed": False, "dag_run_id": facts["dag_run_id"], "task_ids": [self.task_id]}
        self.airflow.call("POST", f"dags/{facts['dag_id']}/clearTaskInstances", wish)

    def _ended_run(self) -> dict[str, Any] | None:
        facts = self.airflow.call("GET", self.run)
        return dict(facts) if facts["state"] in ENDS else None


def _kill(pid: int, by: signal.Signals = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, by)


def _is_airflow(process: psutil.Process, name: str) -> bool:
    """Tell whether a process is this component of Airflow, and no child that it forked."""
    with contextlib.suppress(psutil.NoSuchProcess):
        words = process.cmdline()
        parent = process.parent()
        return "airflow" in " ".join(words) and words[-1] == name and not (parent and _is_airflow(parent, name))
    return False


def _is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE or not process.is_running()
    except psutil.NoSuchProcess:
        return True


def _kill_all(processes: list[psutil.Process]) -> int:
    for process in processes:
        _kill(process.pid)
    return len(processes)


def _in_sessions(sessions: set[int]) -> list[psutil.Process]:
    """Find what still runs of the sessions; the id of a session is the id of the process that was started."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getsid(process.pid) in sessions and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found
