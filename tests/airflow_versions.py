"""What moved between the versions of Airflow, and what only later ones have.

Tests import from here what ``airflow.providers.common.compat.sdk`` does not smooth. A test that needs what only later
versions have is skipped for a reason that stands here, and that docs/compatibility.md explains.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import sys
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import BaseOperator
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

AIRFLOW = Version(version("apache-airflow")).release[:2]
"""The version that is installed: ``(3, 3)``."""


@dataclass(frozen=True)
class Feature:
    """Something that Airflow has since some version.

    :param name: as in docs/compatibility.md.
    :param since: the first version that has it.
    :param why: what a test does with it.
    :param without: a later version that lacks it all the same.
    """

    name: str
    since: tuple[int, int]
    why: str
    without: tuple[int, int] | None = None

    def is_in(self, version: tuple[int, ...]) -> bool:
        """Whether a version of Airflow has it."""
        return self.since <= version[:2] != self.without

    @property
    def is_here(self) -> bool:
        """Whether the installed Airflow has it."""
        return self.is_in(AIRFLOW)

    @property
    def needed(self) -> pytest.MarkDecorator:
        """Skips a test where it is missing."""
        return pytest.mark.skipif(not self.is_here, reason=self.reason)

    @property
    def reason(self) -> str:
        """Why a test is skipped."""
        lacking = "" if self.without is None else f", but not in {'.'.join(map(str, self.without))}"
        return f"{self.name}: since Airflow {'.'.join(map(str, self.since))}{lacking}; {self.why}"


def found(*places: str) -> Any:
    """Import a name from the first place that has it: ``found("new.module:Name", "old.module:Name")``."""
    for place in places:
        module, _, name = place.partition(":")
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            continue
    message = f"Airflow {AIRFLOW} has none of {', '.join(places)}"
    raise ImportError(message)


AirflowRescheduleException: Any = found(
    "airflow.sdk.exceptions:AirflowRescheduleException", "airflow.exceptions:AirflowRescheduleException"
)
TaskDeferralError: Any = found("airflow.sdk.exceptions:TaskDeferralError", "airflow.exceptions:TaskDeferralError")
StoredConnection: Any = found("airflow.models.connection:Connection")
"""A connection as Airflow's database has it."""
BASE_OPERATOR: Any = sys.modules[BaseOperator.__module__]
HookLineageCollector: Any = found(
    "airflow.sdk.lineage:HookLineageCollector", "airflow.lineage.hook:HookLineageCollector"
)
TRIGGER_FAIL_REPR = "__fail__"
"""The method with which Airflow resumes a task that can only fail."""
DEFERRAL_TIMED_OUT: Any = (
    BASE_OPERATOR.TriggerFailureReason.TRIGGER_TIMEOUT if AIRFLOW >= (3, 0) else "Trigger/execution timeout"
)
"""Why, if the timeout of its deferral passed; in Airflow 2.11 its scheduler has no name for it."""
DagSerialization: Any = found(
    "airflow.serialization.serialized_objects:DagSerialization",
    "airflow.serialization.serialized_objects:SerializedDAG",
)
DagBag: Any = found("airflow.dag_processing.dagbag:DagBag", "airflow.models.dagbag:DagBag")
ProvidersOfTasks: Any = found(
    "airflow.sdk.providers_manager_runtime:ProvidersManagerTaskRuntime", "airflow.providers_manager:ProvidersManager"
)
PARSED_WITH = (
    ("airflow.sdk",) if AIRFLOW >= (3, 0) else ("airflow.models.dag", "airflow.sensors.base", "airflow.triggers.base")
)
"""What every DAG file loads."""

BROKEN_EXTRA = "no Airflow connection" if (3, 0) <= AIRFLOW < (3, 2) else "no JSON object"
"""What is said of a connection whose extra is no JSON object: Airflow 3.0 and 3.1 pass over it."""


def is_mapped(serialized: Any) -> bool:
    """Tell whether a task that was serialized is mapped."""
    return hasattr(serialized, "expand_input")


def date_of_run(test: Callable[..., Any], when: datetime) -> dict[str, datetime]:
    """Return the argument of ``dag.test`` that gives a run its date: Airflow 2 has another name for it."""
    name = "logical_date" if "logical_date" in inspect.signature(test).parameters else "execution_date"
    return {name: when}


def share_api_of_test_runs() -> None:
    """Have ``dag.test`` make one API for all its tasks, as Airflow does from 3.3 on; to make one takes seconds."""
    if (3, 0) <= AIRFLOW < (3, 3):
        supervisor = importlib.import_module("airflow.sdk.execution_time.supervisor")
        vars(supervisor)["in_process_api_server"] = functools.cache(supervisor.in_process_api_server)


def let_sensors_ask(first_reschedule: Callable[[], datetime | None]) -> None:
    """Tell rescheduled sensors when they began: Airflow 2 looks it up in its database, later versions ask the task."""
    if AIRFLOW < (3, 0):
        sensors = importlib.import_module("airflow.sensors.base")
        vars(sensors)["_orig_start_date"] = lambda **_: first_reschedule()


@contextlib.contextmanager
def structured_logs() -> Iterator[list[Any]]:
    """Collect what is logged by structlog, which Airflow 2 does not have."""
    try:
        from structlog.testing import capture_logs
    except ImportError:
        yield []
        return
    with capture_logs() as events:
        yield events


OutletEventAccessors: Any = found(
    "airflow.sdk.execution_time.context:OutletEventAccessors", "airflow.utils.context:OutletEventAccessors"
)
"""What a task has as ``outlet_events``."""


def alias_events(outlet_events: Any, alias: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return URI and ``extra`` of each event that a task added to an alias; in Airflow 2 assets are datasets."""
    if AIRFLOW < (3, 0):
        return [(event["dest_dataset_uri"], event["extra"]) for event in outlet_events[alias].dataset_alias_events]
    return [(event.dest_asset_key.uri, event.extra) for event in outlet_events[alias].asset_alias_events]


secrets_masker: Any = found(
    "airflow.sdk._shared.secrets_masker:_secrets_masker",
    "airflow.sdk.execution_time.secrets_masker:_secrets_masker",
    "airflow.utils.log.secrets_masker:_secrets_masker",
)


def forget_masks() -> None:
    """Have the secrets masker know nothing, as in a process that just began."""
    masker = secrets_masker()
    masker.patterns, masker.replacer = set(), None


def stored_fields(task: Any) -> dict[str, Any]:
    """Return what Airflow's worker hands over of the rendered fields of a task, which then are stored as they are."""
    if AIRFLOW >= (3, 0):
        fields: dict[str, Any] = found("airflow.sdk.execution_time.task_runner:_serialize_rendered_fields")(task)
        return fields
    fields = found("airflow.models.renderedtifields:get_serialized_template_fields")(task)
    return {name: secrets_masker().redact(value, name) for name, value in fields.items()}


def without_masks_that_are_told(log: str) -> str:
    """Leave out the lines in which Airflow 3.0 itself writes, at DEBUG, what its parts tell each other to mask."""
    return "\n".join(line for line in log.splitlines() if AIRFLOW != (3, 0) or "MaskSecret(" not in line)


TASK_STATE_STORE = Feature("task state store", (3, 3), "without it nothing outlives a try")
TRIGGER_ON_KILL = Feature("`on_kill` of triggers", (3, 3), "without it nobody tells a waiting trigger of a kill")
ASYNC_CONNECTION = Feature("connections without blocking", (3, 3), "without it a thread reads them")
FORM_FROM_INFO = Feature("connection form from the provider's info", (3, 2), "before it the hook describes the form")
LINKS_IN_XCOM = Feature("links kept with the task", (3, 0), "before it the web server makes them")
NEW_API = Feature("Airflow's API of version 2", (3, 0), "a test starts and watches runs by it")
ASSET_WATCHERS = Feature("asset watchers", (3, 0), "without them nothing starts a DAG when media appears")
SHARED_STREAMS = Feature("looks shared by asset watchers", (3, 3), "before it each watcher looks for itself")
NAMED_ASSETS = Feature("assets with names", (3, 0), "an example DAG starts by one")
MASKED_FIELDS = Feature(
    "masks in rendered fields", (2, 11), "its worker stores rendered fields as they are", without=(3, 0)
)
FEATURES = (
    TASK_STATE_STORE,
    TRIGGER_ON_KILL,
    ASYNC_CONNECTION,
    FORM_FROM_INFO,
    LINKS_IN_XCOM,
    NEW_API,
    ASSET_WATCHERS,
    SHARED_STREAMS,
    NAMED_ASSETS,
    MASKED_FIELDS,
)
