"""Answers that no server should send: any bytes, any JSON, any headers; and what holds for what is read of them."""

from __future__ import annotations

import json
import pickle
import unicodedata
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as some

from airflow_provider_ittybit.api.decoding import Page
from airflow_provider_ittybit.api.messages import Headers, Response
from airflow_provider_ittybit.api.processing import STATUSES
from airflow_provider_ittybit.exceptions import IttybitError

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_MESSAGE = 8_000
"""Characters that an error may have, whatever a server said."""

TEXT = some.text(some.characters(codec=None), max_size=40)
NUMBERS = some.integers() | some.integers(10**300, 10**320) | some.floats()
LEAVES = some.none() | some.booleans() | NUMBERS | TEXT
NAMES = some.sampled_from(
    [
        "id",
        "object",
        "kind",
        "status",
        "error",
        "message",
        "data",
        "meta",
        "links",
        "pagination",
        "files",
        "sources",
        "tasks",
        "workflow",
        "url",
        "progress",
        "created",
        "created_at",
        "page",
        "pages",
        "total",
        "type",
        "request_id",
        "next",
        "prev",
        "last",
        "input",
        "inputs",
        "output",
        "outputs",
        "options",
        "metadata",
        "folder",
        "filename",
        "filesize",
        "expiry",
        "src",
        "urls",
        "media_id",
    ]
)
WORDS = some.sampled_from(
    [
        *STATUSES,
        *("list", "object", "error", "source", "file_1", "med_1", "task_1", "run_1", "job_1"),
        *("/files?page=2", "?after=%ff", "https://x.example/a?sig=b", "s3://k:s@b/a", "2025-01-01T00:00:00Z"),
    ]
)
JSON = some.recursive(
    LEAVES | WORDS,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(NAMES | TEXT, inner, max_size=6),
    max_leaves=20,
)
OBJECTS = some.dictionaries(NAMES | TEXT, JSON, max_size=8)

ODD_NUMBERS = some.sampled_from(
    ["1e999", "-1e999", "1E400", "NaN", "Infinity", "-Infinity", "-0", "1e-999", "1" * 4_300, "1" * 5_000, "00", "1."]
)
ODD_TEXTS = some.sampled_from(
    [
        r'"\ud800"',
        r'"\udfff\ud800"',
        r'"\ud83d\ude00"',
        r'"\u0000"',
        r'"\u202e"',
        '"\x00"',
        '"' + "a" * 5_000 + '"',
        '"\\"',
    ]
)


def _object(pairs: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{name}:{value}" for name, value in pairs) + "}"


def _nested(opening: str, inner: str, depth: int) -> str:
    closing = "".join({"[": "]", "{": "}"}.get(one, "") for one in reversed(opening))
    return opening * depth + inner + closing * depth


KEYS = NAMES.map(json.dumps) | ODD_TEXTS
WRITTEN = some.recursive(
    ODD_NUMBERS | ODD_TEXTS | (LEAVES | WORDS).map(json.dumps),
    lambda inner: (
        some.lists(inner, max_size=4).map(lambda parts: f"[{','.join(parts)}]")
        | some.lists(some.tuples(KEYS, inner), max_size=6).map(_object)
        | some.tuples(some.sampled_from(["[", '{"tasks":[', '{"error":', '{"data":{"input":']), inner).map(
            lambda parts: _nested(*parts, 3)
        )
    ),
    max_leaves=20,
)
"""JSON as text, with what no encoder would write: names that come twice, halves of pairs, numbers too large."""
DEEP = some.builds(
    lambda opening, depth, around: around.replace("*", _nested(opening, "1", depth)),
    some.sampled_from(["[", '{"a":', '{"error":', '[{"tasks":']),
    some.sampled_from([1, 50, 98, 99, 100, 101, 300, 480, 900, 990, 20_000]),
    some.sampled_from(["*", '{"error":*}', '{"id":"file_1","status":*}', '{"data":[{"id":*}],"meta":{}}', "[*]"]),
)
BODIES = (
    some.binary(max_size=200)
    | JSON.map(lambda body: json.dumps(body).encode())
    | OBJECTS.map(lambda body: json.dumps(body).encode())
    | OBJECTS.map(lambda body: json.dumps(body).encode("utf-16"))
    | WRITTEN.map(str.encode)
    | some.tuples(WRITTEN.map(str.encode), some.integers(0, 60)).map(lambda parts: parts[0][: parts[1]])
    | DEEP.map(str.encode)
)
LINK_HEADERS = some.lists(
    some.sampled_from(
        ["<", ">", ";", ",", "rel", "=", '"', "next", "prev", "\\", " ", "\t", "/x?page=2", "//h/", "é", "\x00"]
    ),
    max_size=30,
).map("".join)
DATES = some.datetimes().map(lambda time: f"{time:%a, %d %b %Y %H:%M:%S} GMT")
HEADERS = some.lists(
    some.tuples(
        some.sampled_from(["Link", "Links", "Has-More", "Limit", "Retry-After", "X-Request-Id", "Content-Type", "Date"])
        | TEXT,
        TEXT | LINK_HEADERS | DATES | some.sampled_from(["true", "7", '</x?page=2>; rel="next"', "<>;rel=", "1e999"]),
    ),
    max_size=4,
).map(Headers)
STATUS = some.sampled_from([200, 201, 202, 204, 301, 400, 401, 402, 403, 404, 405, 408, 413, 422, 429, 500, 503]) | (
    some.integers(100, 999)
)
RESPONSES = some.builds(Response, STATUS, HEADERS, BODIES)
GOOD_RESPONSES = some.builds(Response, some.just(200), HEADERS, BODIES)

ITEMS = some.lists(some.fixed_dictionaries({}, optional={"id": TEXT | NUMBERS | some.sampled_from("abc")}), max_size=3)
COUNTS = some.none() | some.integers(0, 5)
LINKS = some.fixed_dictionaries({}, optional={"next": TEXT | some.from_regex(r"\?[a-z]+=[^&]{0,5}"), "prev": TEXT})
PAGES = some.builds(Page, ITEMS.map(tuple), LINKS, COUNTS, COUNTS, COUNTS, some.none() | some.booleans())


def outcome(action: Callable[[], Any]) -> Any:
    """Return what an action returns, or the error of ours that it raises, once that was looked at."""
    try:
        value = action()
    except IttybitError as error:
        check_error(error)
        return error
    return value


def check_error(error: IttybitError) -> None:
    """Look whether an error can be logged, stored and sent on: short, printable, the same after its way as JSON."""
    text = str(error)
    assert text
    assert len(text) < LONGEST_MESSAGE
    assert is_plain(text), ascii(text)
    stored = json.dumps(error.to_json(), allow_nan=False)
    json.dumps(error.to_json(), ensure_ascii=False).encode()
    assert all("\0" not in value for value in error.to_json().values() if isinstance(value, str))
    again = IttybitError.from_json(json.loads(stored))
    assert (type(again), str(again), again.status) == (type(error), text, error.status)
    assert str(pickle.loads(pickle.dumps(error))) == text  # noqa: S301 - ours


def is_plain(text: str) -> bool:
    """Tell whether a text can neither forge a line of a log, nor hide a part of it, nor be no Unicode."""
    return not {unicodedata.category(character) for character in text} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def check_json(value: Any) -> None:
    """Look whether a value can be put into XCom, a database and a file: real JSON, of Unicode text."""
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
