"""The task state store of the tests takes what Airflow's takes, and nothing else."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import conf
from airflow_versions import TASK_STATE_STORE
from pydantic import ValidationError
from task_running import LARGEST, Store

pytestmark = TASK_STATE_STORE.needed

JSON: list[Any] = ["text", 0, 1.5, True, [], [1, [None]], {}, {"a": {"b": [1, "2"]}}, "\u00e4" * 100]
NO_JSON: list[Any] = [(1, 2), {"a": (1,)}, {1, 2}, b"bytes", object(), {1: "a"}, [{"a": b""}]]


def airflow_takes(value: Any) -> bool:
    """Tell whether Airflow's worker would send a value to its store."""
    from airflow.sdk.execution_time.comms import SetTaskStateStore

    try:
        SetTaskStateStore(ti_id=uuid.uuid4(), key="key", value=value, expires_at=None)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("value", JSON, ids=repr)
def test_json_is_kept_as_it_is(value: Any) -> None:
    store = Store()
    store.set("key", value)
    assert store.get("key") == value
    assert airflow_takes(value)


@pytest.mark.parametrize("value", NO_JSON, ids=lambda value: type(value).__name__)
def test_what_is_no_json_is_refused_as_airflow_refuses_it(value: Any) -> None:
    store = Store()
    with pytest.raises(ValidationError):
        store.set("key", value)
    assert store.values == {}
    assert not airflow_takes(value)


@pytest.mark.parametrize("value", [None, float("nan"), [float("inf")], "x" * (LARGEST - 1)])
def test_what_would_not_come_back_whole_is_refused(value: Any) -> None:
    store = Store()
    with pytest.raises(ValueError, match=r"None|not JSON compliant|more than 65535"):
        store.set("key", value)
    assert store.values == {}


def test_a_value_may_be_as_large_as_airflow_takes_without_a_warning() -> None:
    assert conf.getint("state_store", "max_value_storage_bytes") == LARGEST
    store = Store()
    store.set("key", "x" * (LARGEST - 2))
    assert len(store.values["key"]) == LARGEST


def test_a_key_that_is_not_there_is_none_and_can_be_deleted() -> None:
    store = Store()
    store.delete("key")
    assert (store.get("key"), store.get("key", 1)) == (None, 1)
