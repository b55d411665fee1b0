"""User and password of a proxy go to the proxy, and are in no log, error, repr, or local variable on the way."""

from __future__ import annotations

import base64
import contextlib
import json
import pickle
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from secret_search import everything_logged
from task_running import fire
from unit.transport.certificates import Authority, new_authority
from unit.transport.scripted_server import Mishap, Reply, ScriptedServer, Tunnel, no

from airflow_provider_ittybit.exceptions import IttybitConfigurationError, IttybitError
from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.operators.media import DeleteMediaOperator, ListMediaOperator, UploadMediaOperator
from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor
from airflow_provider_ittybit.triggers.processing import ProcessingTrigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow.providers.common.compat.sdk import BaseOperator
    from secret_search import Seen

HOST = "api.ittybit.test"
KEY = "ittybit_live_k3yThatNobodyMaySee"
USER, PASSWORD = "carol", "pr0xyPasswordOfCarol"
SHOWN = re.compile(f"{PASSWORD}|{base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}")
"""The password as it stands, and as the proxy is sent it."""
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture
def seen() -> Iterator[Seen]:
    with everything_logged() as seen:
        yield seen


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return new_authority(tmp_path_factory.mktemp("authority"), "own-authority")


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    with contextlib.ExitStack() as stack:
        yield lambda *steps, **options: stack.enter_context(ScriptedServer(*steps, **options))


@pytest.fixture(params=["connection", "environment"])
def behind(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> Callable[..., None]:
    """Put the default connection behind a proxy, which the connection or the environment names."""

    def point(proxy: str, timeout: float = 5) -> None:
        extra: dict[str, Any] = {
            "api_version": "files-flat",
            "max_retries": 0,
            "timeout": timeout,
            "ca_bundle": str(authority.ca_file),
        }
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        if request.param == "connection":
            extra["proxies"] = {"https": proxy}
            monkeypatch.delenv("HTTPS_PROXY", raising=False)
        else:
            monkeypatch.setenv("HTTPS_PROXY", proxy)
        connection = {"conn_type": "ittybit", "host": f"https://{HOST}", "password": KEY, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", json.dumps(connection))

    return point


def with_password(url: str) -> str:
    return url.replace("//", f"//{USER}:{PASSWORD}@")


def run_all(seen: Seen, image: Path) -> list[Any]:
    """Do what there is to do with ittybit, in a worker and in the triggerer, and return how each ended."""
    tasks: list[Callable[[], BaseOperator]] = [
        partial(ListMediaOperator, task_id="task"),
        partial(UploadMediaOperator, task_id="task", source=str(image)),
        partial(UploadMediaOperator, task_id="task", source=[str(image), str(image)]),
        partial(UploadMediaOperator, task_id="task", source="https://cdn.example/a.mp4"),
        partial(DeleteMediaOperator, task_id="task", media_id="file_1"),
        partial(CreateTaskOperator, task_id="task", kind="image", input="file_1", durable=False),
        partial(MediaProcessingSensor, task_id="task", media_id="file_1", deferrable=True, poke_interval=0.01),
    ]
    ended = [seen.run(task) for task in tasks]
    event = fire(ProcessingTrigger("file_1", poll_interval=0.01, failed_looks=4))
    seen.show("event", event)
    with IttybitHook() as hook:
        seen.show("repr", hook, hook.settings, hook.get_conn(), hook.test_connection(), pickle.dumps(hook))
    return [*ended, event]


PROBLEMS: dict[str, list[Any]] = {
    "refuses": [no(407, "Who are you?")],
    "repeats who asks": [no(407, f"{USER}:{PASSWORD} is nobody.")],
    "fails": [no(502)],
    "resets": [Mishap.RESET],
    "makes noise": [Mishap.NOISE],
    "says nothing": [Mishap.SILENCE],
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_proxy_that_does_not_let_through_shows_no_password(
    problem: str, seen: Seen, behind: Callable[..., None], serve: Callable[..., ScriptedServer], image: Path
) -> None:
    proxy = serve(*PROBLEMS[problem])
    behind(with_password(proxy.url), timeout=0.05 if problem == "says nothing" else 5)
    *ended, event = run_all(seen, image)
    assert all(isinstance(one, IttybitError) for one in ended)
    assert event["outcome"] == "error"
    assert {request.headers.get("proxy-authorization", "")[:6] for request in proxy.arrived} <= {"Basic "}
    assert (seen.found(SHOWN), seen.found(KEY)) == ({}, {})


def test_a_proxy_that_lets_everything_through_shows_no_password(
    seen: Seen,
    behind: Callable[..., None],
    serve: Callable[..., ScriptedServer],
    authority: Authority,
    image: Path,
) -> None:
    server = serve(Reply(body=b'{"id": "file_1", "status": "ready"}'), tls=authority.server_for(HOST))
    proxy = serve(Tunnel(server.port))
    behind(with_password(proxy.url))
    *ended, event = run_all(seen, image)
    assert any(isinstance(one, dict) and one["id"] == "file_1" for one in ended)
    assert event["outcome"] == "final"
    assert proxy.arrived
    assert {request.headers["proxy-authorization"] for request in proxy.arrived}
    assert not [request for request in server.arrived if "proxy-authorization" in request.headers]
    assert (seen.found(SHOWN), seen.found(KEY)) == ({}, {})


ODD = [
    f"http://{USER}:{PASSWORD}@127.0.0.1:1",
    f"https://{USER}:{PASSWORD}@127.0.0.1:1",
    f"{USER}:{PASSWORD}@127.0.0.1:1",
    f"http://{USER}:{PASSWORD}@[broken",
    f"http://{USER}:{PASSWORD}@127.0.0.1:99999999",
    f"http://{USER}:{PASSWORD}@",
    f"://{USER}:{PASSWORD}@127.0.0.1:1",
    f"socks5h://{USER}:{PASSWORD}@127.0.0.1:1",
    f"ftp://{USER}:{PASSWORD}@127.0.0.1:1",
    f"http://{USER}:{PASSWORD}@127.0.0.1:1/?password={PASSWORD}",
    f"http://{USER} x:{PASSWORD}@127.0.0.1:1",
    f"http://é:{PASSWORD}@127.0.0.1:1",
]


@pytest.mark.parametrize("proxy", ODD, ids=lambda proxy: proxy.replace(PASSWORD, "…"))
def test_a_proxy_that_is_not_there_or_no_proxy_shows_no_password(
    proxy: str, seen: Seen, behind: Callable[..., None], image: Path
) -> None:
    behind(proxy)
    *ended, event = run_all(seen, image)
    assert all(isinstance(one, IttybitError) for one in ended)
    assert event["outcome"] == "error"
    assert (seen.found(SHOWN), seen.found(KEY)) == ({}, {})


@pytest.mark.parametrize(
    "wrong",
    [
        {"extra": {"unknown": 1}},
        {"extra": {"api_version": "1999"}},
        {"extra": {"timeout": "long"}},
        {"extra": {"proxies": with_password("http://proxy.example")}},
        {"extra": {"proxies": {"ftp": with_password("http://proxy.example")}}},
        {"extra": f'{{"proxies": "{with_password("http://proxy.example")}"'},
        {"host": f"https://{HOST}?key={PASSWORD}"},
        {"host": f"https://{USER}:{PASSWORD}@{HOST}"},
        {"password": f"{KEY} {PASSWORD}"},
    ],
    ids=str,
)
def test_a_connection_that_cannot_be_used_shows_neither_password_nor_key(
    wrong: dict[str, Any], seen: Seen, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = wrong.get("extra", {})
    if isinstance(extra, dict):
        extra = {"proxies": {"https": with_password("http://proxy.example")}, **extra}
    fields = {"conn_type": "ittybit", "host": f"https://{HOST}", "password": KEY, **wrong}
    fields["extra"] = extra if isinstance(extra, str) else json.dumps(extra)
    monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", json.dumps(fields))
    for task in (
        partial(ListMediaOperator, task_id="task"),
        partial(UploadMediaOperator, task_id="task", source=str(image)),
        partial(MediaProcessingSensor, task_id="task", media_id="file_1", deferrable=True),
    ):
        assert isinstance(seen.run(task), IttybitConfigurationError)
    seen.show("event", fire(ProcessingTrigger("file_1", poll_interval=0.01)))
    seen.show("repr", IttybitHook().test_connection())
    assert (seen.found(SHOWN), seen.found(KEY)) == ({}, {})
