"""Whatever text comes from a template, ittybit gets exactly that value, or nothing and the task a typed error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import pytest
from unit.transport.scripted_server import Reply, ScriptedServer

from airflow_provider_ittybit.api.messages import Request
from airflow_provider_ittybit.exceptions import IttybitError
from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.operators.media import (
    DeleteMediaOperator,
    GetMediaOperator,
    ListMediaOperator,
    UpdateMediaOperator,
    UploadMediaOperator,
)
from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor
from airflow_provider_ittybit.sensors.task import TaskSensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from unit.transport.scripted_server import Arrived

    from airflow_provider_ittybit.emulator.running import RunningEmulator

GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
TAKE_BYTES = ("media", "files-enveloped", "files-flat")
KEY = "ittybit_live_TOPSECRET"

HOSTILE = {
    "climbing": "../../keys",
    "dots": "..",
    "a dot": ".",
    "encoded dots": "%2e%2e%2fkeys",
    "encoded twice": "%252e%252e%252fkeys",
    "encoded line break": "a%0d%0aX-Evil:%20yes",
    "line break": "a\r\nX-Evil: yes\r\n\r\nbody",
    "line feed": "a\nX-Evil: yes",
    "carriage return": "a\rX-Evil: yes",
    "unicode line breaks": "a\u2028b\u2029c\u0085d\x0bX-Evil: yes",
    "quotes": 'a"; name="other"; x=\'y\'',
    "backslashes": 'a\\..\\"b\\',
    "NUL": "a\0b",
    "escape": "a\x1b[31mb\x7f",
    "right-to-left override": "a\u202egpj.exe",
    "right-to-left mark": "\u200fa\u200e",
    "zero width": "a\u200bb\ufeff",
    "spaces": " a  b ",
    "URL parts": "a/b?c=d&e=f#g;h=i@j:k",
    "another host": "//evil.example/x",
    "a URL": "https://evil.example/x?y=z",
    "a template": "{{ 7*7 }}${7*7}%(x)s{0}%n",
    "markup": "<script>alert(1)</script>",
    "letters of the world": "Gänse 🪿 東京 عربى",
    "half a surrogate pair": "a\ud800b",
    "10 KB": "a" * 10_240,
    "10 KB of quotes": '"' * 10_240,
    "empty": "",
    "a space": " ",
}


@dataclass(frozen=True)
class Verb:
    """Something that takes a text.

    :param act: does it with a hook and the text.
    :param whole: what of the text is sent, where more stands around it.
    :param answers: what the server says to it.
    :param kept_here: generations that are not told the text, as the documentation of the parameter says.
    :param names_header: whether it arrives as the name of a header, in which capital letters do not count.
    """

    act: Callable[[IttybitHook, str], Any]
    whole: Callable[[str], str] = str
    answers: Any = None
    kept_here: tuple[str, ...] = ()
    names_header: bool = False


URL = "https://media.example/clip.mp4"
ONE = {"id": "file_1", "object": "source", "status": "ready", "url": URL, "media_id": "med_1"}
SIGNED = {**ONE, "url": "https://you.ittybit.net/a.mp4?signature=x"}


def _kind_for(hook: IttybitHook) -> str | None:
    return "video" if hook.settings.generation.name == "jobs" else None


def _uploads() -> Iterator[tuple[str, Verb]]:
    for name in ("filename", "folder", "title", "ref", "media_id", "kind", "output"):
        yield f"upload with {name}", Verb(lambda hook, text, name=name: hook.upload_media(URL, **{name: text}))
    yield "upload with metadata", Verb(lambda hook, text: hook.upload_media(URL, metadata={"k": text}))
    yield "upload with a name of metadata", Verb(lambda hook, text: hook.upload_media(URL, metadata={text: 1}))
    yield "upload with options", Verb(lambda hook, text: hook.upload_media(URL, kind="video", options={"format": text}))
    yield (
        "upload a URL",
        Verb(
            lambda hook, text: hook.upload_media(f"https://a.example/{text}", kind=_kind_for(hook)),
            lambda text: f"https://a.example/{text}".strip(),
        ),
    )


def _tasks() -> Iterator[tuple[str, Verb]]:
    yield "task of a kind", Verb(lambda hook, text: hook.create_task(text, URL))
    yield (
        "task of a URL",
        Verb(
            lambda hook, text: hook.create_task("video", f"https://a.example/{text}"),
            lambda text: f"https://a.example/{text}",
        ),
    )
    yield (
        "task of an id",
        Verb(lambda hook, text: hook.create_task("video", f"file_{text}"), lambda text: f"file_{text}"),
    )
    yield "task of anything", Verb(lambda hook, text: hook.create_task("video", text))
    yield "task with an option", Verb(lambda hook, text: hook.create_task("video", URL, {"format": text}))
    yield (
        "task with a name of an option",
        Verb(lambda hook, text: hook.create_task("video", URL, {f"x{text}": 1}), "x{}".format),
    )
    for name in ("filename", "folder", "ref", "webhook_url", "destination", "output", "anything"):
        yield f"task with {name}", Verb(lambda hook, text, name=name: hook.create_task("video", URL, **{name: text}))
    yield (
        "task with an idempotency key",
        Verb(lambda hook, text: hook.create_task("video", URL, idempotency_key=text), kept_here=GENERATIONS[:-1]),
    )


def _ids() -> Iterator[tuple[str, Verb]]:
    for name in ("get_media", "delete_media", "get_task", "get_processing"):
        yield f"{name} of an id", Verb(lambda hook, text, name=name: getattr(hook, name)(text))
        yield (
            f"{name} of an id with a prefix",
            Verb(lambda hook, text, name=name: getattr(hook, name)(f"file_{text}"), lambda text: f"file_{text}"),
        )
        yield (
            f"{name} of a collection",
            Verb(
                lambda hook, text, name=name: getattr(hook, name)(
                    "file_1", **({"resource": text} if text else {"resource": "?"})
                )
            ),
        )
    yield "update of an id", Verb(lambda hook, text: hook.update_media(text, folder="x"))
    for name in ("title", "alt", "folder", "filename", "ref"):
        yield f"update of {name}", Verb(lambda hook, text, name=name: hook.update_media(_holder(name), **{name: text}))
    yield "update of metadata", Verb(lambda hook, text: hook.update_media("file_1", metadata={"k": text}))
    yield "update of a field", Verb(lambda hook, text: hook.update_media("file_1", **{f"x{text}": 1}))


def _holder(name: str) -> str:
    return "med_1" if name in ("title", "alt") else "file_1"


def _lists() -> Iterator[tuple[str, Verb]]:
    names = "kind limit order_by order created_after max_items status input run_id created_by"
    for name in names.split():
        sifted = ("files-enveloped", "files-flat") if name == "kind" else ()
        yield (
            f"list by {name}",
            Verb(lambda hook, text, name=name: list(hook.list_media(**{name: text})), answers=[], kept_here=sifted),
        )
        yield (
            f"list of tasks by {name}",
            Verb(
                lambda hook, text, name=name: list(hook.list_tasks(**{name: text})),
                answers=[],
                kept_here=("files-flat",) if name == "kind" else (),
            ),
        )
    yield "list of a collection", Verb(lambda hook, text: list(hook.list_media(resource=text or "?")), answers=[])


def _others() -> Iterator[tuple[str, Verb]]:
    yield "signed URL of a filename", Verb(lambda hook, text: hook.sign_url(text), answers=SIGNED)
    yield "signed URL of a folder", Verb(lambda hook, text: hook.sign_url("a", folder=text), answers=SIGNED)
    yield "signed URL for a method", Verb(lambda hook, text: hook.sign_url("a", method=text), answers=SIGNED)
    yield (
        "call with a query",
        Verb(lambda hook, text: hook.call(Request("GET", "/x", query=(("q", f"x{text}"),))), "x{}".format),
    )
    yield (
        "call with a name of a query",
        Verb(lambda hook, text: hook.call(Request("GET", "/x", query=((f"x{text}", "1"),))), "x{}".format),
    )
    yield "call with JSON", Verb(lambda hook, text: hook.call(Request("POST", "/x", json={"a": [text]})))
    yield (
        "call with a header",
        Verb(lambda hook, text: hook.call(Request("GET", "/x", headers={"X-A": f"x{text}x"})), "x{}x".format),
    )
    yield (
        "call with a name of a header",
        Verb(
            lambda hook, text: hook.call(Request("GET", "/x", headers={f"X-{text}": "1"})),
            "X-{}".format,
            names_header=True,
        ),
    )
    yield "call with a method", Verb(lambda hook, text: hook.call(Request(f"GET{text}", "/x")), "GET{}".format)
    yield (
        "call with a key",
        Verb(lambda hook, text: hook.call(Request("POST", "/x", idempotency_key=f"x{text}")), "x{}".format),
    )


VERBS: Mapping[str, Verb] = dict([*_uploads(), *_tasks(), *_ids(), *_lists(), *_others()])


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def recording(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], IttybitHook]:
    """Make a hook for a generation on the recording server."""

    def make(generation: str, **more: Any) -> IttybitHook:
        extra = {"api_version": generation, "uploads_url": server.url, "max_retries": 0, "timeout": 5, **more}
        connection = {"conn_type": "ittybit", "host": server.url, "password": KEY, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", json.dumps(connection))
        return IttybitHook()

    return make


def texts_in(request: Arrived) -> Iterator[str]:
    """Yield every text that a request carries but names of headers, each decoded as a server would."""
    path, _, query = request.target.partition("?")
    yield from (unquote(segment) for segment in path.split("/"))
    yield from (text for pair in parse_qsl(query, keep_blank_values=True) for text in pair)
    yield from request.headers.values()
    yield request.method
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        yield from _leaves(json.loads(request.body))
    if kind.startswith("multipart/form-data"):
        form = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.body, policy=policy.HTTP)
        yield from (part.get_payload(decode=True).decode() for part in form.iter_parts())


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, str):
        yield value


USUAL_HEADERS = {
    "host", "user-agent", "accept", "accept-encoding", "authorization", "content-type", "content-length", "connection",
    "ittybit-version", "accept-version", "idempotency-key", "x-a",
}  # fmt: skip


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_a_text_arrives_as_it_is_or_not_at_all(
    verb: Verb, generation: str, server: ScriptedServer, recording: Callable[[str], IttybitHook]
) -> None:
    server._steps.clear()
    server._steps.append(Reply(body=json.dumps(ONE if verb.answers is None else verb.answers).encode()))
    with recording(generation) as hook:
        for name, text in HOSTILE.items():
            server.arrived.clear()
            outcome = _outcome(lambda text=text: verb.act(hook, text))
            if isinstance(outcome, IttybitError):
                assert server.arrived == [], f"{name}: refused only after it was sent: {outcome}"
                continue
            assert server.arrived, f"{name}: {outcome!r} came of no request"
            whole = verb.whole(text)
            arrived = {found for request in server.arrived for found in texts_in(request)}
            headers = {header for request in server.arrived for header in request.headers}
            there = (whole.lower() in headers) if verb.names_header else (whole in arrived)
            assert there or generation in verb.kept_here, f"{name}: {arrived!r:.500}"
            odd = headers - USUAL_HEADERS - ({whole.lower()} if verb.names_header else set())
            assert not odd, f"{name}: the headers {odd} were added"


def _outcome(action: Callable[[], Any]) -> Any:
    """Return what came of it: a value, or an error of ours that can be logged."""
    try:
        return action()
    except IttybitError as error:
        str(error).encode()
        return error


BY_BYTES = {(generation, direct) for generation in TAKE_BYTES for direct in ("", "direct")} - {("media", "direct")}


@pytest.mark.parametrize(("generation", "direct"), sorted(BY_BYTES))
@pytest.mark.parametrize("field", ["filename", "folder"])
def test_a_name_given_to_bytes_arrives_as_it_is_or_not_at_all(  # noqa: PLR0917 - pytest hands over by name
    generation: str,
    direct: str,
    field: str,
    hook_for: Callable[..., IttybitHook],
    emulator: RunningEmulator,
    image: Path,
) -> None:
    emulator.control.settings(processing="held")
    hook = hook_for(generation, **({"delivery_domain": emulator.delivery_url} if direct else {}))
    for name, text in HOSTILE.items():
        before = len(emulator.control.files())
        outcome = _outcome(lambda text=text: hook.upload_media(str(image), **{field: text}))
        if isinstance(outcome, IttybitError):
            assert len(emulator.control.files()) == before, f"{name}: refused only after it had arrived: {outcome}"
            continue
        arrived = emulator.control.files()[-1] if text else {field: text}
        assert _as_kept(field, arrived[field]) == _as_sent(generation, field, text), name


def _as_sent(generation: str, field: str, text: str) -> str:
    """Return a text as it arrives: HTML has a form escape quotes and line breaks, and none of its readers undo that."""
    if generation == "media" and field == "filename":
        return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    return "/".join(filter(None, text.split("/"))) if field == "folder" else text


def _as_kept(field: str, text: str | None) -> str:
    """Return a folder without the slashes that say nothing: ``/a//b/`` is the folder ``a/b``."""
    return "/".join(filter(None, (text or "").split("/"))) if field == "folder" else text or ""


OPERATORS = {
    UploadMediaOperator: {"source": URL},
    ListMediaOperator: {},
    GetMediaOperator: {"media_id": "file_1"},
    UpdateMediaOperator: {"media_id": "file_1"},
    DeleteMediaOperator: {"media_id": "file_1"},
    CreateTaskOperator: {"kind": "video", "input": URL},
    MediaProcessingSensor: {"media_id": "file_1"},
    TaskSensor: {"ittybit_task_id": "task_1"},
}


@pytest.mark.parametrize(
    ("operator", "field"), [(one, field) for one in OPERATORS for field in one.template_fields], ids=str
)
def test_a_template_renders_to_exactly_the_value(operator: Any, field: str) -> None:
    for text in HOSTILE.values():
        for template, expected in (("{{ params.text }}", text), (["{{ params.text }}"], [text])):
            task = operator(task_id="task", **{**OPERATORS[operator], field: template})
            task.render_template_fields({"params": {"text": text}})
            assert getattr(task, field) == expected


CONNECTION = {
    "a version": lambda hook_with, text: hook_with("files-flat", api_version=f"2025{text}"),
    "a version header": lambda hook_with, text: hook_with("files-flat", version_header=f"X-{text}"),
    "a value of the version header": lambda hook_with, text: hook_with("files-flat", version_header=f"X-A: x{text}x"),
    "an uploads host": lambda hook_with, text: hook_with("files-flat", uploads_url=f"https://a{text}"),
    "a delivery domain": lambda hook_with, text: hook_with("files-flat", delivery_domain=f"a{text}"),
}  # fmt: skip


@pytest.mark.parametrize("place", CONNECTION)
def test_a_text_in_the_connection_adds_no_header_and_moves_no_request(
    place: str, server: ScriptedServer, recording: Callable[..., IttybitHook]
) -> None:
    server._steps.clear()
    server._steps.append(Reply())
    for name, text in HOSTILE.items():
        server.arrived.clear()
        with CONNECTION[place](recording, text) as hook:
            try:
                hook.get_media("file_1")
            except IttybitError:
                assert server.arrived == [], name
                continue
        [request] = server.arrived
        assert request.target == "/files/file_1", name
        assert set(request.headers) - USUAL_HEADERS <= {f"x-{text}".partition(":")[0].strip().lower()}, name
        assert request.headers["authorization"] == f"Bearer {KEY}"
