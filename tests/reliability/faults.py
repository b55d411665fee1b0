"""What a hostile network or server does to one request."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reliability.servers import encoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from reliability.servers import Line

BIG = 60_000_000
"""Bytes of an answer that is too large."""
AHEAD = 30
"""Seconds from now that a date in ``Retry-After`` is, and up to one more."""
PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


def reset(line: Line) -> None:
    line.reset()


def hang_up(line: Line) -> None:
    """Let the connection end without a word."""
    assert line.asked is not None


def half_an_answer(line: Line) -> None:
    line.say(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n" + body(line)[:9])
    line.reset()


def silence(line: Line) -> None:
    line.over.wait()


def slow_headers(line: Line) -> None:
    line.say(b"HTTP/1.1 200 OK\r\n")
    line.drip(b"X-Slow: and so on\r\n")


def slow_body(line: Line) -> None:
    line.say(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n")
    line.drip(b" ")


def headers_by_and_by(line: Line) -> None:
    head, end, content = whole(line)
    line.trickle(head)
    line.say(end + content)


def body_by_and_by(line: Line) -> None:
    head, end, content = whole(line)
    line.say(head + end)
    line.trickle(content)


def no(status: int, **headers: str) -> Callable[[Line], None]:
    """Answer with an error, in words."""
    return lambda line: line.answer(status, json.dumps({"message": "Not now."}).encode(), **headers)


def no_until_a_date(line: Line) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=AHEAD + 1)  # such a date has whole seconds
    no(429, Retry_After=format_datetime(until, usegmt=True))(line)


def bad_gateway(line: Line) -> None:
    line.answer(502, PAGE, Content_Type="text/html")


def truncated(line: Line) -> None:
    line.answer(200, body(line)[:-7])


def no_text(line: Line) -> None:
    line.answer(200, body(line).replace(b"_1", b"_\xff"))


def as_a_page(line: Line) -> None:
    line.answer(200, body(line), Content_Type="text/html; charset=utf-8")


def empty(line: Line) -> None:
    line.answer(200)


def no_content(line: Line) -> None:
    line.answer(204)


def error_inside(line: Line) -> None:
    line.answer(200, b'{"error": {"message": "Not today."}}')


def enveloped(line: Line) -> None:
    whole = {"meta": {"request_id": "req_1"}, "data": line.good, "error": None, "links": {}}
    line.answer(200, json.dumps(whole).encode())


def flat(line: Line) -> None:
    line.answer(200, body(line))


def too_large(line: Line) -> None:
    line.say(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {BIG}\r\n\r\n".encode())
    line.say(b" " * BIG)


def too_large_unannounced(line: Line) -> None:
    line.say(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    part = b" " * 1_000_000
    for _ in range(BIG // len(part)):
        line.say(b"%x\r\n" % len(part) + part + b"\r\n")
    line.say(b"0\r\n\r\n")


def packed(line: Line) -> None:
    line.answer(200, gzip.compress(body(line)), Content_Encoding="gzip")


@lru_cache
def bomb(size: int = BIG) -> bytes:
    """Make few bytes that become many."""
    return gzip.compress(b" " * size)


def packed_bomb(line: Line) -> None:
    line.answer(200, bomb(), Content_Encoding="gzip")


def twice_packed(line: Line) -> None:
    line.answer(200, gzip.compress(gzip.compress(body(line))), Content_Encoding="gzip, gzip")


def redirect(line: Line) -> None:
    line.answer(302, Location=f"{line.url}/elsewhere")


def redirect_to_another_host(line: Line) -> None:
    line.answer(307, Location="https://elsewhere.example/files")


def redirect_without_encryption(line: Line) -> None:
    line.answer(308, Location="http://api.ittybit.com/files")


def changed(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Line], None]:
    """Answer well, but for something in each resource."""

    def behave(line: Line) -> None:
        good = line.good
        answer = [change(item) for item in good] if isinstance(good, list) else change(good)
        line.answer(200, json.dumps(answer).encode())

    return behave


def without_id(resource: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name != "id"}


def with_strange_status(resource: dict[str, Any]) -> dict[str, Any]:
    return {**resource, "status": "contemplating"}


def with_text_for_numbers(resource: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, int) else value for name, value in resource.items()}


def with_null_for_lists(resource: dict[str, Any]) -> dict[str, Any]:
    return {**resource, "files": None, "workflow": None}


def null_for_a_list(line: Line) -> None:
    if isinstance(line.good, list):
        line.answer(200, b"null")
    else:
        changed(with_null_for_lists)(line)


def body(line: Line) -> bytes:
    return json.dumps(line.good).encode()


def whole(line: Line) -> tuple[bytes, bytes, bytes]:
    """Write a good answer down: its headers, what ends them, and its body."""
    return encoded(200, body(line)).partition(b"\r\n\r\n")
