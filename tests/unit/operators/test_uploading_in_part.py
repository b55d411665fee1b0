"""An upload whose bytes have arrived, but on which something could not be set, leaves its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from task_running import Run, task_context

from airflow_provider_ittybit.exceptions import IttybitError
from airflow_provider_ittybit.operators.media import UploadMediaOperator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator


@pytest.mark.parametrize("many", [False, True])
def test_the_id_stands_in_xcom(connect: Callable[..., RunningEmulator], image: Path, *, many: bool) -> None:
    emulator = connect("files-flat")
    emulator.control.fault(match={"method": "PATCH"}, times=0, status=403, message="Read only.")
    run = Run()
    source: Any = [str(image)] if many else str(image)
    with pytest.raises(IttybitError, match=r"is uploaded, but metadata could not be set on it: .*Read only\."):
        UploadMediaOperator(task_id="task", source=source, metadata={"a": 1}).execute(task_context(run))
    (file,) = emulator.control.files()
    assert run.pushed("ittybit_uploaded" if many else "ittybit_id") == ([file["id"]] if many else file["id"])


def test_an_upload_that_never_arrived_leaves_none(connect: Callable[..., RunningEmulator], image: Path) -> None:
    emulator = connect("files-flat")
    emulator.control.fault(match={"role": "delivery"}, times=0, status=403, message="Read only.")
    run = Run()
    with pytest.raises(IttybitError, match="Read only"):
        UploadMediaOperator(task_id="task", source=str(image)).execute(task_context(run))
    assert run.xcom == {}
