"""What tests of many parts share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Tell what was logged: Airflow logs by ``logging`` or straight to the output, as its version has it."""

    def everything() -> str:
        output = capsys.readouterr()
        return caplog.text + output.out + output.err

    return everything
