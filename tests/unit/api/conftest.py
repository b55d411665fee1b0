"""Recorded answers, read from the folder ``answers`` as responses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ittybit.api.messages import Headers, Response

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWERS = Path(__file__).parent / "answers"


def read_answer(name: str) -> Response:
    """Read one recorded answer: status, headers (several values of one name in a list), and JSON body or text."""
    wrapper = json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8"))
    items = []
    for header, value in wrapper["headers"].items():
        items += [(header, one) for one in (value if isinstance(value, list) else [value])]
    text = wrapper["text"] if "text" in wrapper else json.dumps(wrapper["body"], ensure_ascii=False)
    return Response(wrapper["status"], Headers(items), text.encode())


@pytest.fixture
def recorded() -> Callable[[str], Response]:
    """Reads a recorded answer by its path below ``answers``, without suffix."""
    return read_answer
