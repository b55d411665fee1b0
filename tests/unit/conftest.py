"""What tests of many parts share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Tell what was logged: Airflow logs by ``logging``, straight to the output or both, as its version has it."""

    def everything() -> str:
        output = capsys.readouterr()
        known = [record.getMessage() for record in caplog.records]
        lines = [line for line in f"{output.out}{output.err}".splitlines() if not any(one in line for one in known)]
        return "\n".join([caplog.text, *lines])

    return everything
