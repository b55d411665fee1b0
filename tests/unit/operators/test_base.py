from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from task_running import task_context

from airflow_provider_ittybit.exceptions import IttybitConfigurationError
from airflow_provider_ittybit.operators.media import (
    DeleteMediaOperator,
    GetMediaOperator,
    ListMediaOperator,
    UpdateMediaOperator,
    UploadMediaOperator,
)
from airflow_provider_ittybit.operators.task import CreateTaskOperator

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.operators.base import IttybitOperator

OPERATORS = {
    UploadMediaOperator: {"source": "clip.mp4"},
    ListMediaOperator: {},
    GetMediaOperator: {"media_id": "file_1"},
    UpdateMediaOperator: {"media_id": "file_1", "ref": "main"},
    DeleteMediaOperator: {"media_id": "file_1"},
    CreateTaskOperator: {"kind": "image", "input": "file_1"},
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_has_the_default_connection_and_lets_it_be_templated(operator: type[IttybitOperator]) -> None:
    task: Any = operator(task_id="task", **OPERATORS[operator])
    assert task.ittybit_conn_id == "ittybit_default"
    task = operator(task_id="task", ittybit_conn_id="ittybit_{{ team }}", **OPERATORS[operator])
    task.render_template_fields({"team": "films"})
    assert task.ittybit_conn_id == "ittybit_films"


def test_an_operator_talks_over_the_connection_it_was_given(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_FILMS", emulator.airflow_connection(api_version="files-flat"))
    assert ListMediaOperator(task_id="task", ittybit_conn_id="ittybit_films").execute(task_context()) == []


@pytest.mark.parametrize("operator", [ListMediaOperator, GetMediaOperator, UpdateMediaOperator, DeleteMediaOperator])
def test_a_missing_connection_fails_with_what_to_do(operator: type[IttybitOperator]) -> None:
    task: Any = operator(task_id="task", ittybit_conn_id="nowhere", **OPERATORS[operator])
    with pytest.raises(IttybitConfigurationError, match="AIRFLOW_CONN_NOWHERE"):
        task.execute(task_context())


def test_making_an_operator_reads_no_connection_and_opens_none(
    connect: Callable[..., RunningEmulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = connect("files-flat")
    monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", "this is no connection")
    for operator, arguments in OPERATORS.items():
        operator(task_id="task", **arguments)
    assert emulator.control.requests() == []


def test_the_hook_of_an_operator_is_new_each_time() -> None:
    task = ListMediaOperator(task_id="task", ittybit_conn_id="films")
    assert task.make_hook() is not task.make_hook()
    assert task.make_hook().ittybit_conn_id == "films"
