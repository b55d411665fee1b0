"""Looks for a secret wherever Airflow, a library or a person keeps or shows something of a task.

``SINKS`` is the table of these places. What is new in the package and is kept or shown somewhere gets a row here, and
is handed to ``Seen.show`` under its name.
"""

from __future__ import annotations

import base64
import json
import logging
import pickle
import re
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
from airflow.providers.common.compat.sdk import Asset, AssetAlias, XCom
from airflow_versions import HookLineageCollector, OutletEventAccessors, forget_masks, stored_fields, structured_logs
from task_running import Run, Store, Story, run_to_end, task_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow.providers.common.compat.sdk import BaseOperator

SINKS: Mapping[str, str] = {
    "log": "what any library logs at DEBUG, through logging or structlog, in the worker and in the triggerer",
    "error": "an error that a task ends with: its text, arguments and fields",
    "error behind it": "the errors that it came from, which Airflow logs as well",
    "locals": "the local variables of the package's frames, which tools such as Sentry send away with an error",
    "repr": "what a person sees of a task, a hook, settings, a transport, an answer",
    "task": "the attributes and the pickle of a task, which hold what the DAG's author gave, and nothing else",
    "XCom": "the result of a task, and what it pushes",
    "notes": "the task state store",
    "rendered fields": "the rendered template fields, in the database and in the UI",
    "serialized DAG": "the DAG in the database",
    "trigger": "the trigger's arguments, and those of the method that resumes the task, in the database",
    "event": "what the trigger hands over, in the database",
    "extra link": "the address behind the button in the UI, an XCom of its own",
    "ledger": "what the emulator notes and prints of each request",
    "elsewhere": "what another host was sent, to which a redirect or a link led",
    "lineage": "URIs of assets, events on the outlets of a task, OpenLineage's facets, what hooks read and wrote",
    "position": "what a watcher of an asset remembers, in the asset's store or in a variable",
}
"""Places by name."""

OUTLETS = (AssetAlias("made"), Asset("s3://bucket/made"))
"""What every task that is looked into writes to, so that it has somewhere to tell what it made."""
PACKAGE = "airflow_provider_ittybit"
SIGNATURE = re.compile(r"signature(?:=|%3D|[\"']: ?[\"'])[\w%-]{16,}", re.IGNORECASE)
"""A signature of ittybit's own signed URLs, whatever its value."""


class Records(logging.Handler):
    """Keeps all that any library logs, arguments and tracebacks included."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        self.lines.append(f"{record.name} {record.getMessage()} {record.args!r} {record.__dict__!r} {trace}")


class Seen:
    """All that could be seen of what ran, by place."""

    def __init__(self, records: Records, events: list[Any], hooks: Any) -> None:
        self.records, self.events, self.hooks = records, events, hooks
        self.shown: dict[str, list[str]] = {name: [] for name in SINKS}

    def show(self, sink: str, *things: object) -> None:
        """Note what could be seen in a place."""
        self.shown[sink] += [text for thing in things for text in (repr(thing), str(thing))]

    def run(self, make: Callable[[], BaseOperator]) -> Any:
        """Run a task and keep what Airflow would store or show of it; return its result, or its error."""
        run, store, told = Run(), Store(), OutletEventAccessors()
        context = {**task_context(run, store=store), "outlet_events": told}
        ran: list[BaseOperator] = []

        def new() -> BaseOperator:
            ran.append(make())
            ran[-1].outlets = [*OUTLETS]
            ran[-1].render_template_fields(context)  # type: ignore[arg-type] # enough of a context
            self.show("rendered fields", json.dumps(stored_fields(ran[-1])))
            return ran[-1]

        story = Story()
        try:
            outcome: Any = run_to_end(new, context, story).result
        except Exception as error:  # noqa: BLE001 - any error is looked into
            self.show_error(error)
            outcome = error
        else:
            ran[-1].post_execute(context, outcome)
            self.show("XCom", outcome)
        for deferred in story.deferrals:
            self.show("trigger", deferred.trigger.serialize(), deferred.kwargs)
            self.show("repr", deferred, deferred.trigger)
        self.show("event", *story.events)
        self.show("extra link", *(link for task in ran[-1:] for link in links_of(task, story.result)))
        self.show("XCom", run.xcom)
        self.show("notes", store.values)
        self.show("repr", *ran)
        self.show("task", *(vars(task) for task in ran), *(pickle.dumps(task) for task in ran))
        self.show("lineage", *(told[outlet] for outlet in OUTLETS), *map(openlineage_of, ran))
        return outcome

    def show_error(self, error: BaseException) -> None:
        """Note an error, with all behind it."""
        self.show("error", error, error.args, vars(error), pickle.dumps(error))
        behind: list[BaseException] = []
        waiting: list[BaseException | None] = [error]
        while waiting:
            one = waiting.pop()
            if one is not None and one not in behind:
                behind.append(one)
                waiting += [one.__cause__, one.__context__]
        for one in behind:
            self.show("error behind it", one, one.args, vars(one))
            for frame, _ in traceback.walk_tb(one.__traceback__):
                if PACKAGE in frame.f_code.co_filename:
                    self.shown["locals"] += map(repr, frame.f_locals.values())

    def found(self, secret: str | re.Pattern[str]) -> dict[str, str]:
        """Tell in which places a secret can be seen, with what stands around it."""
        lineage = [*self.shown["lineage"], repr(getattr(self.hooks, "collected_assets", ()))]
        logged = [*self.shown["log"], *self.records.lines, *map(repr, self.events)]
        places = {**self.shown, "log": logged, "lineage": lineage}
        found = {}
        for sink, texts in places.items():
            match = next(filter(None, (_pattern(secret).search(text) for text in texts)), None)
            if match is not None:
                found[sink] = match.string[max(0, match.start() - 200) : match.end() + 40]
        return found


def links_of(task: BaseOperator, result: Any) -> list[str]:
    """Return the addresses behind a task's buttons, which read its result in XCom."""
    stored = json.dumps(result)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(XCom, "get_value", lambda **_: json.loads(stored))
        return [link.get_link(task, ti_key=None) for link in task.operator_extra_links]  # type: ignore[arg-type] # XCom is here


def openlineage_of(task: BaseOperator) -> Any:
    """Return what a task tells OpenLineage, in the form in which it is sent; nothing where its client is missing."""
    told = getattr(task, "get_openlineage_facets_on_complete", lambda _: None)(None)
    if told is None:
        return None
    from openlineage.client.serde import Serde

    return [Serde.to_json(one) for one in (*told.inputs, *told.outputs)], told


def _pattern(secret: str | re.Pattern[str]) -> re.Pattern[str]:
    if isinstance(secret, re.Pattern):
        return secret
    forms = {secret, quote(secret, safe=""), quote_plus(secret), base64.b64encode(secret.encode()).decode()}
    return re.compile("|".join(map(re.escape, forms)))


@contextmanager
def everything_logged() -> Iterator[Seen]:
    """Look at everything at the level DEBUG, by whichever way it is logged; masks of Airflow begin and end empty."""
    records, root = Records(), logging.getLogger()
    before = root.level
    root.addHandler(records)
    root.setLevel(logging.NOTSET)
    forget_masks()
    hooks = HookLineageCollector()  # as where something reads lineage; without a reader Airflow collects none
    try:
        with structured_logs() as events, pytest.MonkeyPatch.context() as patch:
            patch.setattr("airflow.providers.common.compat.lineage.hook.get_hook_lineage_collector", lambda: hooks)
            yield Seen(records, events, hooks)
    finally:
        forget_masks()
        root.removeHandler(records)
        root.setLevel(before)
