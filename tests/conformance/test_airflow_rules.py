"""The rules that apache/airflow checks in the source of its own providers, checked here."""

from __future__ import annotations

import ast
import inspect
import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import BaseHook, BaseOperator, BaseSensorOperator
from airflow.triggers.base import BaseTrigger
from airflow_versions import ASSET_WATCHERS
from conformance import source_reading as source

if TYPE_CHECKING:
    from pathlib import Path

TASKS = [cls for folder in ("operators", "sensors") for cls in source.classes(folder) if issubclass(cls, BaseOperator)]
TRIGGERS = [
    pytest.param(cls, marks=ASSET_WATCHERS.needed if "Watcher" in cls.__name__ else ())
    for cls in source.classes("triggers")
    if issubclass(cls, BaseTrigger)
]
MODULES = source.paths()

DEFERRABLE_DEFAULT = "conf.getboolean('operators', 'default_deferrable', fallback=False)"
FROM_AIRFLOW = {
    "airflow.providers.common.compat.sdk",
    "airflow.providers.common.compat.connection",
    "airflow.triggers.base",  # where all supported versions have BaseTrigger and TriggerEvent
}
EXCEPT = {
    "_compat.py": {"airflow", "airflow.sdk.exceptions"},  # bridges what common.compat does not
    "triggers/_compat.py": {"airflow.triggers.shared_stream"},
    "hooks/lineage.py": {"airflow.providers.common.compat.lineage.hook"},
    "assets/ittybit.py": {"airflow.providers.common.compat.openlineage.facet"},
    "operators/lineage.py": {  # only where the OpenLineage provider, which calls it, is installed
        "airflow.providers.common.compat.openlineage.facet",
        "airflow.providers.openlineage.extractors",
    },
}
CHECKED: dict[str, Any] = {"when": "created", "poll_interval": 45.5}
"""Values for arguments of triggers that are checked when the trigger is made."""
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
TOO_WIDE = {"AirflowException", "Exception", "BaseException", "RuntimeError"}
"""What a DAG author cannot tell from any other failure."""


def test_there_is_something_to_check() -> None:
    assert len(TASKS) >= 8
    assert TRIGGERS
    assert len(MODULES) > 30


@pytest.mark.parametrize("task", TASKS)
def test_template_fields_are_a_tuple_of_attributes_that_init_sets(task: type[Any]) -> None:
    assert isinstance(task.template_fields, tuple)
    assert len(set(task.template_fields)) == len(task.template_fields)
    assert set(task.template_fields) <= _attributes_set_in_init(task)
    assert set(task.template_fields_renderers) <= set(task.template_fields)


@pytest.mark.parametrize("task", TASKS)
def test_every_connection_id_can_be_templated(task: type[Any]) -> None:
    connection_ids = {name for name in _parameters(task) if name.endswith("conn_id")}
    assert connection_ids == {"ittybit_conn_id"}
    assert connection_ids <= set(task.template_fields)


@pytest.mark.parametrize("task", TASKS)
def test_init_only_stores_template_fields_since_they_are_not_rendered_yet(task: type[Any]) -> None:
    init = source.init_of(task)
    if init is None:
        return
    parents = {child: node for node in ast.walk(init) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(init):
        if isinstance(node, ast.Name) and node.id in task.template_fields and isinstance(node.ctx, ast.Load):
            parent = parents[node]
            assert isinstance(parent, ast.Assign), ast.unparse(parent)
            assert ast.unparse(parent) == f"self.{node.id} = {node.id}"
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            assert ast.unparse(node) not in {f"self.{name}" for name in task.template_fields}


@pytest.mark.parametrize("task", TASKS)
def test_init_takes_keywords_only_and_hands_on_what_it_does_not_know(task: type[Any]) -> None:
    init = source.init_of(task)
    if init is None:
        return
    assert [argument.arg for argument in init.args.args] == ["self"]
    assert init.args.kwarg is not None
    assert "super().__init__(**kwargs)" in ast.unparse(init)


@pytest.mark.parametrize("path", source.paths("operators") + source.paths("sensors"), ids=source.shown)
def test_deferrable_defaults_to_what_the_airflow_configuration_says(path: Path) -> None:
    for node in ast.walk(source.tree(path)):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            defaults = {
                argument.arg: default
                for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            }
            if "deferrable" in defaults:
                assert ast.unparse(defaults["deferrable"] or ast.Constant(None)) == DEFERRABLE_DEFAULT


def test_everything_that_waits_can_be_deferred() -> None:
    waiting = [cls for cls in TASKS if "deferrable" in _parameters(cls) or issubclass(cls, BaseSensorOperator)]
    assert waiting
    for cls in waiting:
        assert "deferrable" in _parameters(cls)
        assert callable(getattr(cls, "execute_complete", None))


@pytest.mark.parametrize("task", [cls for cls in TASKS if "Delete" in cls.__name__])
def test_deleting_has_no_flag_for_missing_resources_because_missing_is_deleted(task: type[Any]) -> None:
    assert not [name for name in _parameters(task) if "ignore" in name or "missing" in name or "exist" in name]


@pytest.mark.parametrize("path", MODULES, ids=source.shown)
def test_airflow_is_imported_only_where_all_supported_versions_have_it(path: Path) -> None:
    allowed = FROM_AIRFLOW | EXCEPT.get(source.shown(path), set())
    for node in ast.walk(source.tree(path)):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        assert [name for name in names if name.split(".")[0] == "airflow" and name not in allowed] == []


@pytest.mark.parametrize("path", MODULES, ids=source.shown)
def test_no_error_is_raised_that_could_be_any_other(path: Path) -> None:
    for node in ast.walk(source.tree(path)):
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            assert ast.unparse(raised).rsplit(".", 1)[-1] not in TOO_WIDE


@pytest.mark.parametrize("path", MODULES, ids=source.shown)
def test_a_message_is_made_before_it_is_raised_so_that_no_trace_says_it_twice(path: Path) -> None:
    for node in ast.walk(source.tree(path)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and ast.unparse(node.exc.func)[0].isupper():
            assert not [argument for argument in node.exc.args if isinstance(argument, ast.JoinedStr)]


@pytest.mark.parametrize("path", MODULES, ids=source.shown)
def test_no_error_leaves_the_filling_in_of_its_message_to_others_as_logging_does(path: Path) -> None:
    for node in ast.walk(source.tree(path)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and len(node.exc.args) > 1:
            message = node.exc.args[0]
            assert not (isinstance(message, ast.Constant) and "%" in str(message.value)), ast.unparse(node)


@pytest.mark.parametrize("path", MODULES, ids=source.shown)
def test_a_line_of_a_log_is_only_made_if_somebody_reads_it(path: Path) -> None:
    for level in LEVELS:
        for call in source.calls(source.tree(path), level):
            owner = ast.unparse(call.func).rsplit(".", 1)[0]
            if owner.rsplit(".", 1)[-1] in {"log", "logger", "_log"}:
                assert isinstance(call.args[0], ast.Constant), ast.unparse(call)


@pytest.mark.parametrize("path", MODULES, ids=source.shown)
def test_nothing_is_asserted_or_printed_in_production(path: Path) -> None:
    assert not [node for node in ast.walk(source.tree(path)) if isinstance(node, ast.Assert)]
    assert source.calls(source.tree(path), "print") == []


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_trigger_stores_all_that_it_was_made_with(trigger: type[Any]) -> None:
    named = [
        parameter
        for parameter in inspect.signature(trigger.__init__).parameters.values()
        if parameter.name != "self" and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    given = {parameter.name: CHECKED.get(parameter.name, f"value of {parameter.name}") for parameter in named}
    path, stored = trigger(**given).serialize()
    assert path == f"{trigger.__module__}.{trigger.__qualname__}"
    assert stored == given
    assert json.loads(json.dumps(stored)) == stored


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_trigger_takes_what_another_version_of_it_stored(trigger: type[Any]) -> None:
    parameters = inspect.signature(trigger.__init__).parameters.values()
    assert any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)
    required = {
        parameter.name: "x"
        for parameter in parameters
        if parameter.default is inspect.Parameter.empty
        and parameter.name != "self"
        and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }
    assert trigger(**required, from_a_later_version=1).serialize() == trigger(**required).serialize()
    _, stored = trigger(**required).serialize()
    for name in stored.keys() - required.keys():
        from_an_earlier_version = {key: value for key, value in stored.items() if key != name}
        assert trigger(**from_an_earlier_version).serialize()[1] == stored


@pytest.mark.parametrize("path", source.paths("operators") + source.paths("sensors"), ids=source.shown)
def test_every_deferral_hands_the_connection_to_its_trigger(path: Path) -> None:
    for (trigger,) in (param.values for param in TRIGGERS):
        for call in source.calls(source.tree(path), trigger.__name__):
            assert "self.ittybit_conn_id" in [ast.unparse(argument) for argument in _arguments(call)]


def test_whatever_a_task_gives_its_hook_it_gives_its_triggers() -> None:
    trees = [source.tree(path) for path in source.paths("operators") + source.paths("sensors")]
    hooks = [call for tree in trees for call in source.calls(tree, "IttybitHook")]
    given = {ast.unparse(argument) for call in hooks for argument in _arguments(call)}
    names = [cls.__name__ for (cls,) in (param.values for param in TRIGGERS)]
    deferrals = [call for tree in trees for name in names for call in source.calls(tree, name)]
    assert given
    assert len(deferrals) >= 2
    for call in deferrals:
        assert given <= {ast.unparse(argument) for argument in _arguments(call)}, ast.unparse(call)


def test_every_hook_of_a_task_gets_its_connection() -> None:
    calls = [
        call
        for path in source.paths("operators") + source.paths("sensors")
        for call in source.calls(source.tree(path), "IttybitHook")
    ]
    assert {ast.unparse(call) for call in calls} == {"IttybitHook(self.ittybit_conn_id)"}


@pytest.mark.parametrize("hook", [cls for cls in source.classes("hooks") if issubclass(cls, BaseHook)])
def test_making_a_hook_reads_no_connection(hook: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a connection was read")

    monkeypatch.setattr(hook, "get_connection", refuse)
    assert hook().ittybit_conn_id == hook.default_conn_name == "ittybit_default"


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _parameters(task: type[Any]) -> set[str]:
    names = {name for base in source.own_bases(task) for name in inspect.signature(base.__init__).parameters}
    return names - {"self", "kwargs"}


def _attributes_set_in_init(task: type[Any]) -> set[str]:
    return {
        target.attr
        for base in source.own_bases(task)
        if (init := source.init_of(base)) is not None
        for node in ast.walk(init)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self"
    }
