"""How much of an answer is read."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest
from unit.transport.carriers import call, settings_for
from unit.transport.scripted_server import Reply

from airflow_provider_ittybit.exceptions import IttybitUnreadableAnswerError
from airflow_provider_ittybit.transport import answers

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.transport.carriers import Carriers

MIB = 1024 * 1024


@pytest.mark.parametrize("status", [200, 400, 503])
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "compressed"])
def test_an_answer_without_end_is_not_read_to_its_end(
    serve: Callable[..., Any],
    carry: Carriers,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    zipped: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(answers, "MOST", MIB)
    body = b" " * (4 * MIB)
    server = serve(
        Reply(status, gzip.compress(body) if zipped else body, {"Content-Encoding": "gzip"} if zipped else {})
    )
    with pytest.raises(IttybitUnreadableAnswerError, match="more than 1 MiB") as raised:
        carry(settings_for(server.url)).send(call())
    assert raised.value.status == status
    assert len(server.arrived) == 1, "the same would only come again"


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "compressed"])
def test_an_answer_of_the_largest_size_is_read_and_the_connection_is_used_again(
    serve: Callable[..., Any],
    carry: Carriers,
    monkeypatch: pytest.MonkeyPatch,
    zipped: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(answers, "MOST", MIB)
    body = b'{"id": "file_1"' + b" " * (MIB - 16) + b"}"
    server = serve(Reply(200, gzip.compress(body) if zipped else body, {"Content-Encoding": "gzip"} if zipped else {}))
    carrier = carry(settings_for(server.url))
    assert [carrier.send(call()) for _ in range(3)] == [{"id": "file_1"}] * 3
    assert server.connections == 1
