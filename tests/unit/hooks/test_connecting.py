"""From a connection to a hook: every form of it, what is wrong with it, and what a copy of a hook takes along."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow_versions import BROKEN_EXTRA, StoredConnection

from airflow_provider_ittybit.exceptions import IttybitConfigurationError, IttybitInputError
from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.transport.blocking import BlockingTransport

if TYPE_CHECKING:
    from collections.abc import Callable

GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
VARIABLE = "AIRFLOW_CONN_ITTYBIT_DEFAULT"
KEY = "ittybit_live_k3yThatNobodyMaySee"


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Callable[..., IttybitHook]:
    """Set the default connection, as a URI or by its fields, and make a hook for it."""

    def make(uri: str | None = None, **fields: Any) -> IttybitHook:
        value = uri or json.dumps({"conn_type": "ittybit", "password": KEY, **fields})
        monkeypatch.setenv(VARIABLE, value)
        return IttybitHook()

    return make


Connection = Any


def test_a_connection_with_nothing_but_a_key_is_enough(connection: Connection) -> None:
    settings = connection().settings
    assert settings.api_key == KEY
    assert settings.host == "https://api.ittybit.com"
    assert settings.uploads_url == "https://uploads.ittybit.com"
    assert (settings.generation.name, settings.pin.version) == ("files-flat", "2025-08-20")
    assert (settings.timeout, settings.max_retries, settings.verify) == (60.0, 4, True)


def test_a_connection_may_be_a_uri(connection: Connection) -> None:
    settings = connection(f"ittybit://:{KEY}@api.example/?api_version=2025-01-01&timeout=7&verify=false").settings
    assert (settings.api_key, settings.host) == (KEY, "https://api.example")
    assert (settings.pin.version, settings.timeout, settings.verify) == ("2025-01-01", 7.0, False)


@pytest.mark.parametrize("key", ["sk_test_a+b/c=", "ittybit_ä".replace("ä", "%"), "a:b@c#d?e"])
def test_a_key_with_any_character_survives_the_uri(connection: Connection, key: str) -> None:
    assert connection(f"ittybit://:{quote(key, safe='')}@/?api_version=jobs").settings.api_key == key


@pytest.mark.parametrize("form", ["uri", "uri with encoded host", "uri with scheme", "json"])
@pytest.mark.parametrize("version", ["files-flat", "tasks"])
def test_every_form_of_a_connection_reaches_the_api(
    connection: Connection, emulator: Any, form: str, version: str
) -> None:
    place = urlsplit(emulator.api_url)
    hook = {
        "uri": lambda: connection(
            f"ittybit://:{emulator.api_key}@{place.hostname}:{place.port}/http?api_version={version}"
        ),
        "uri with encoded host": lambda: connection(
            f"ittybit://:{emulator.api_key}@{quote(emulator.api_url, safe='')}/?api_version={version}"
        ),
        "uri with scheme": lambda: connection(
            f"ittybit://http://:{emulator.api_key}@{place.hostname}:{place.port}/?api_version={version}"
        ),
        "json": lambda: connection(host=emulator.api_url, password=emulator.api_key, extra={"api_version": version}),
    }[form]()
    assert list(hook.list_media()) == []
    [request] = emulator.control.requests()
    assert (request["status"], request["generation"]) == (200, version)


@pytest.mark.parametrize(
    ("fields", "host"),
    [
        ({"host": "api.example"}, "https://api.example"),
        ({"host": "https://api.example/"}, "https://api.example"),
        ({"host": "api.example", "port": 8443}, "https://api.example:8443"),
        ({"host": "127.0.0.1", "port": 8800, "schema": "http"}, "http://127.0.0.1:8800"),
        ({"host": "http://localhost:8800/base/"}, "http://localhost:8800/base"),
        ({"host": "  "}, "https://api.ittybit.com"),
    ],
)
def test_host_port_and_scheme_make_the_base_url(connection: Connection, fields: dict[str, Any], host: str) -> None:
    assert connection(**fields).settings.host == host


def test_a_missing_connection_says_how_to_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(IttybitConfigurationError, match=r"no Airflow connection 'nowhere'.*AIRFLOW_CONN_NOWHERE"):
        _ = IttybitHook("nowhere").settings


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"password": ""}, "has no API key"),
        ({"password": None}, "has no API key"),
        ({"password": "  "}, "has no API key"),
        ({"password": "two words"}, "a character that no key has"),
        ({"extra": {"apiversion": "2025-08-20"}}, "unknown extra apiversion.*known are api_version"),
        ({"extra": {"api_version": "1999"}}, "api_version='1999' is none"),
        ({"extra": {"api_version": "2024-08-21"}}, "api_version='2024-08-21' is none"),
        ({"extra": {"api_version": ""}}, "api_version='' is none.*YYYY-MM-DD.*Without it, 2025-08-20 counts"),
        ({"extra": {"api_version": "2025-8-20"}}, "api_version='2025-8-20' is none.*YYYY-MM-DD"),
        ({"extra": {"api_version": 20250820}}, "it must be text"),
        ({"extra": {"timeout": "long"}}, "timeout='long'.*a number"),
        ({"extra": {"timeout": 0}}, "timeout=0"),
        ({"extra": {"max_retries": -1}}, "max_retries=-1"),
        ({"extra": {"verify": "perhaps"}}, "verify='perhaps'.*true or false"),
        ({"extra": {"proxies": "proxy.example"}}, "proxies of a wrong form"),
        ({"extra": {"version_header": "Authorization"}}, "version_header='Authorization'"),
        ({"extra": {"delivery_domain": "http://you.ittybit.net"}}, "plain http"),
        ({"extra": {"uploads_url": "ftp://uploads.example"}}, "must be a base URL"),
        ({"host": "http://api.ittybit.com"}, "plain http"),
        ({"host": "https://user:secret@api.example"}, "must be a base URL"),
        ({"host": "https://api.example?key=secret"}, "must be a base URL"),
        ({"extra": "no JSON"}, BROKEN_EXTRA),
        ({"extra": "[1, 2]"}, BROKEN_EXTRA),
    ],
)
def test_a_connection_that_cannot_be_used_says_what_is_wrong_without_its_secrets(
    connection: Connection, fields: dict[str, Any], words: str
) -> None:
    hook = connection(**fields)
    with pytest.raises(IttybitConfigurationError, match=words) as caught:
        _ = hook.settings
    assert isinstance(caught.value, AirflowFailException)
    assert KEY not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_what_the_hook_is_given_wins_over_the_connection(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection(extra={"api_version": "media", "timeout": 5})
    settings = IttybitHook(api_version="jobs", timeout=None, max_retries=0).settings
    assert (settings.generation.name, settings.timeout, settings.max_retries) == ("jobs", 5.0, 0)
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", f"ittybit://:{KEY}@other.example")
    assert IttybitHook("other").settings.host == "https://other.example"


async def test_the_triggerer_never_looks_a_connection_up_as_a_worker_does(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look_up(_: object, conn_id: str) -> None:
        message = f"{conn_id} is looked up on the event loop"
        raise AssertionError(message)

    hook = connection()
    monkeypatch.setattr(IttybitHook, "get_connection", classmethod(look_up))
    assert (await hook.aget_settings()).api_key == KEY
    with pytest.raises(AssertionError, match="ittybit_default is looked up"):
        _ = IttybitHook().settings


def test_a_setting_that_does_not_exist_is_refused_at_once() -> None:
    with pytest.raises(IttybitInputError, match="no setting api_key, retries"):
        IttybitHook(api_key="x", retries=1)


def test_the_connection_is_not_read_before_it_is_needed(
    monkeypatch: pytest.MonkeyPatch, connection: Connection
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    hook = IttybitHook()
    connection()
    assert hook.settings.api_key == KEY


@pytest.mark.parametrize("shown", [repr, str, lambda hook: repr(hook.settings), lambda hook: repr(hook.get_conn())])
def test_no_text_of_a_hook_shows_the_key(connection: Connection, shown: Callable[[Any], str]) -> None:
    hook = connection(extra={"proxies": {"https": "http://u:pr0xyword@proxy.example:1"}})
    assert hook.settings.api_key == KEY
    assert KEY not in shown(hook)
    assert "pr0xyword" not in shown(hook)


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda hook: pickle.loads(pickle.dumps(hook))],  # noqa: S301 - our own bytes
)
@pytest.mark.parametrize("version", GENERATIONS)
def test_a_copy_of_a_used_hook_works_and_shares_no_connection(
    hook_for: Callable[..., IttybitHook], duplicate: Callable[[IttybitHook], IttybitHook], version: str
) -> None:
    hook = hook_for(version)
    assert list(hook.list_media()) == []
    twin = duplicate(hook)
    assert twin._transport is None
    assert twin._settings is None
    assert list(twin.list_media()) == []
    assert twin.get_conn() is not hook.get_conn()
    twin.close()


def test_neither_key_nor_transport_is_in_a_pickle(hook_for: Callable[..., IttybitHook], emulator: Any) -> None:
    hook = hook_for("files-flat")
    list(hook.list_media())
    assert emulator.api_key.encode() not in pickle.dumps(hook)


def test_a_hook_is_closed_after_its_block_and_can_be_used_again(
    hook_for: Callable[..., IttybitHook], emulator: Any
) -> None:
    with hook_for("files-flat") as hook:
        list(hook.list_media())
        list(hook.list_media())
    list(hook.list_media())
    ports = [request["connection"] for request in emulator.control.requests()]
    assert ports[0] == ports[1] != ports[2]


def test_closing_a_hook_that_was_never_used_does_nothing() -> None:
    IttybitHook().close()


@pytest.mark.parametrize("version", GENERATIONS)
def test_the_button_says_that_a_connection_works(
    hook_for: Callable[..., IttybitHook], emulator: Any, version: str
) -> None:
    works, words = hook_for(version).test_connection()
    assert works, words
    assert version in words
    assert len(emulator.control.requests()) == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"password": "ittybit_wrong"}, "401"),
        ({"password": ""}, "has no API key"),
        ({"extra": {"api_version": "1999"}}, "1999"),
        ({"extra": {"nonsense": 1}}, "unknown extra nonsense"),
        ({"extra": "no JSON"}, BROKEN_EXTRA),
        ({"host": "http://api.ittybit.com"}, "plain http"),
        ({"host": "http://127.0.0.1:1", "extra": {"max_retries": 0}}, "gave no answer"),
        ({"extra": {"ca_bundle": "/nowhere/ca.pem"}, "host": "https://127.0.0.1:1"}, "/nowhere/ca.pem"),
    ],
)
def test_the_button_says_what_is_wrong_with_a_connection(
    connection: Connection, emulator: Any, fields: dict[str, Any], words: str
) -> None:
    works, said = connection(**{"host": emulator.api_url, "password": KEY, **fields}).test_connection()
    assert not works
    assert words in said
    assert KEY not in said
    assert "ittybit_wrong" not in said


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429, 500, 503])
@pytest.mark.parametrize("version", GENERATIONS)
def test_the_button_tells_ittybits_words(
    hook_for: Callable[..., IttybitHook], emulator: Any, version: str, status: int
) -> None:
    emulator.control.fault(status=status, message="Gänse only.", times=0)
    works, said = hook_for(version, max_retries=0).test_connection()
    assert not works
    assert "Gänse only." in said
    assert emulator.api_key not in said


def test_the_button_of_a_missing_connection_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    works, said = IttybitHook().test_connection()
    assert not works
    assert "no Airflow connection 'ittybit_default'" in said


def test_the_button_fails_for_no_reason_at_all(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError(KEY)

    hook = connection()
    monkeypatch.setattr(BlockingTransport, "send", explode)
    works, said = hook.test_connection()
    assert not works
    assert "RuntimeError" in said
    assert KEY not in said


def test_airflow_presses_the_button_of_a_connection(emulator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FILMS", emulator.airflow_connection("2025-08-20"))
    works, said = StoredConnection.get_connection_from_secrets("films").test_connection()
    assert works, said
    assert len(emulator.control.requests()) == 1


def test_the_button_asks_once_even_where_the_answer_would_be_worth_a_repetition(hook_for, emulator) -> None:
    hook = hook_for("files-flat", max_retries=5)
    emulator.control.fault(match={"method": "GET"}, times=0, status=503, message="Back soon.")
    works, said = hook.test_connection()
    assert not works
    assert "Back soon." in said
    assert len(emulator.control.requests()) == 1
