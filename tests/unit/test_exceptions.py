"""One tree of errors: what Airflow does with each, and that none loses a field on its way."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, AirflowSensorTimeout

from airflow_provider_ittybit import exceptions
from airflow_provider_ittybit.exceptions import IttybitError

TREE = [cls for _, cls in inspect.getmembers(exceptions, inspect.isclass) if issubclass(cls, IttybitError)]
FATAL = {
    "IttybitConfigurationError",
    "IttybitInputError",
    "IttybitUnsupportedError",
    "IttybitSourceError",
    "IttybitAuthenticationError",
    "IttybitPaymentError",
    "IttybitPermissionError",
    "IttybitNotFoundError",
    "IttybitInvalidRequestError",
    "IttybitProcessingFailedError",
    "IttybitUploadsRefusedError",
}
FIELDS = {
    "status": 404,
    "detail": "d",
    "kind": "k",
    "request_id": "req_1",
    "method": "GET",
    "path": "/files/file_1",
    "resource_id": "file_1",
}


def test_every_error_is_an_airflow_exception() -> None:
    assert len(TREE) == 22
    assert all(issubclass(cls, AirflowException) for cls in TREE)


def test_exactly_those_that_no_retry_heals_fail_the_task_at_once() -> None:
    assert {cls.__name__ for cls in TREE if issubclass(cls, AirflowFailException)} == FATAL


def test_running_out_of_time_is_a_sensor_timeout() -> None:
    assert [cls.__name__ for cls in TREE if issubclass(cls, AirflowSensorTimeout)] == ["IttybitProcessingTimeoutError"]


def test_builtin_errors_are_kept_for_those_who_catch_them() -> None:
    assert issubclass(exceptions.IttybitInputError, ValueError)
    assert issubclass(exceptions.IttybitSourceNotFoundError, FileNotFoundError)


@pytest.mark.parametrize("cls", TREE, ids=lambda cls: cls.__name__)
def test_an_error_keeps_its_fields_across_a_process(cls: type[IttybitError]) -> None:
    error = cls("what happened", status=404, detail="d", kind="k", request_id="req_1", method="GET",
                path="/files/file_1", resource_id="file_1", retry_after=5.0)  # fmt: skip
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 - ours
        assert type(twin) is cls
        assert str(twin) == "what happened"
        assert twin.args == ("what happened",)
        assert {name: getattr(twin, name) for name in FIELDS} == FIELDS
        assert vars(twin) == vars(error)
        assert vars(twin)["retry_after"] == 5.0


@pytest.mark.parametrize("cls", TREE, ids=lambda cls: cls.__name__)
def test_an_error_needs_no_field(cls: type[IttybitError]) -> None:
    error = cls("what happened")
    assert {getattr(error, name) for name in FIELDS} == {None}
    assert str(cls()) == ""


@pytest.mark.parametrize(
    "fields",
    [
        None,
        [],
        "x",
        {"message": 5},
        {"message": None, "self": 1},
        {"to_json": 1, "args": "x", "is_final": 0, "__class__": 1},
    ],
)
def test_whatever_stands_in_the_place_of_an_error_makes_one(fields: object) -> None:
    error = IttybitError.from_json(fields)
    assert type(error) is IttybitError
    assert str(error) in ("", "5", "None")
    assert isinstance(error.to_json(), dict)


def test_what_is_set_later_crosses_a_process_too() -> None:
    error = exceptions.IttybitTransportError("no answer")
    assert error.may_have_arrived is True
    error.may_have_arrived = False
    assert pickle.loads(pickle.dumps(error)).may_have_arrived is False  # noqa: S301 - ours
    assert exceptions.IttybitRateLimitError("x").retry_after is None
