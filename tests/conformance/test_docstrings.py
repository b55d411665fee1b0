"""What a public docstring has to say: every parameter, the result, and errors that exist."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import BaseOperator
from airflow.triggers.base import BaseTrigger
from conformance import source_reading as source

from airflow_provider_ittybit import exceptions
from airflow_provider_ittybit.assets import ittybit as assets
from airflow_provider_ittybit.emulator.running import Control, ControlError
from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.triggers.watcher import MediaWatcherTrigger

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES = [
    IttybitHook,
    *(
        cls
        for folder in ("operators", "sensors", "triggers")
        for cls in source.classes(folder)
        if issubclass(cls, BaseOperator | BaseTrigger)
    ),
]
BASES = ("IttybitOperator", "WaitingOperator", "ProcessingSensor")
TASKS = [cls for cls in CLASSES if issubclass(cls, BaseOperator) and cls.__name__ not in BASES]
OURS = [cls for cls in IttybitHook.__mro__ if cls.__module__.startswith("airflow_provider_ittybit")]
VERBS = [
    member
    for cls in OURS
    for name, member in vars(cls).items()
    if inspect.isfunction(member) and not name.startswith("_")
]
OTHERS = [
    *(getattr(Control, name) for name in ("settings", "requests", "release", "settle", "fault")),
    *(
        member
        for member in vars(assets).values()
        if inspect.isfunction(member) and member.__module__ == assets.__name__
    ),
    MediaWatcherTrigger.filter_shared_stream,
]
"""What else a DAG file, a test or Airflow calls with arguments."""
OTHER_ERRORS = {"ValueError": ValueError, "ControlError": ControlError}
REFERS = re.compile(r"\b(parameters|result|errors|items)\b.* of ``(\w+)``")
"""A docstring may point to that of another verb instead."""


def parameters(function: Callable[..., Any]) -> set[str]:
    return {
        name
        for name, one in inspect.signature(function).parameters.items()
        if name != "self" and not name.startswith("_") and not (one.kind is one.VAR_KEYWORD and name == "kwargs")
    }


def test_there_is_something_to_check() -> None:
    assert len(TASKS) >= 5
    assert {"upload_media", "list_media", "aget_processing", "wait_for_processing"} <= {f.__name__ for f in VERBS}


@pytest.mark.parametrize("cls", CLASSES)
def test_every_parameter_of_a_class_is_documented_and_no_other(cls: type[Any]) -> None:
    documented = set(re.findall(r":param (\w+):", inspect.getdoc(cls) or ""))
    own = parameters(cls.__init__) if "__init__" in vars(cls) else set()
    assert own <= documented
    inherited = {name for base in cls.__mro__ if base is not object for name in parameters(base.__init__)}
    assert documented <= inherited


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__qualname__)
def test_a_verb_documents_its_parameters_its_result_and_its_errors(verb: Callable[..., Any]) -> None:
    text = inspect.getdoc(verb) or ""
    if REFERS.search(" ".join(text.split())) and ":param" not in text:
        return
    assert set(re.findall(r":param (\w+):", text)) == parameters(verb)
    if verb.__annotations__["return"] != "None":
        assert ":return:" in text
    sends = "_send" in verb.__code__.co_names or "send" in verb.__code__.co_names
    assert not sends or ":raises Ittybit" in text or "never raises" in text


@pytest.mark.parametrize("function", OTHERS, ids=lambda function: function.__qualname__)
def test_what_else_is_called_documents_its_parameters_and_its_result(function: Callable[..., Any]) -> None:
    text = inspect.getdoc(function) or ""
    assert set(re.findall(r":param (\w+):", text)) == parameters(function)
    assert (":return:" in text) is (function.__annotations__["return"] != "None")
    for name in re.findall(r":raises (\w+):", text):
        assert issubclass(OTHER_ERRORS.get(name) or getattr(exceptions, name), Exception)


@pytest.mark.parametrize("task", TASKS)
def test_a_task_documents_its_result_and_its_errors(task: type[Any]) -> None:
    text = inspect.getdoc(task) or ""
    assert ":return:" in text
    assert ":raises Ittybit" in text


@pytest.mark.parametrize("documented", [*CLASSES, *VERBS], ids=lambda one: one.__qualname__)
def test_a_documented_error_exists(documented: Any) -> None:
    for name in re.findall(r":raises (\w+):", inspect.getdoc(documented) or ""):
        assert issubclass(getattr(exceptions, name), exceptions.IttybitError)


@pytest.mark.parametrize("task", TASKS)
def test_the_docstring_says_which_parameters_are_templated(task: type[Any]) -> None:
    entries = re.split(r"\n:(?=param |return|raises)", inspect.getdoc(task) or "")
    told = {entry.split()[1].rstrip(":") for entry in entries if entry.startswith("param ") and "(templated)" in entry}
    assert told == set(task.template_fields)
