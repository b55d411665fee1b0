"""Scripted servers, certificates, and both transports."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from unit.transport.carriers import AsyncCarrier, BlockingCarrier, Carriers
from unit.transport.certificates import Authority, new_authority
from unit.transport.scripted_server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ittybit.api.settings import Settings

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "request_method")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing of the machine's own proxies and certificates."""
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    """Start servers: ``serve(no(503), Reply())``."""
    with contextlib.ExitStack() as stack:

        def start(*steps: Any, **options: Any) -> ScriptedServer:
            return stack.enter_context(ScriptedServer(*steps, **options))

        yield start


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that no system knows."""
    return new_authority(tmp_path_factory.mktemp("authority"), "own-authority")


@pytest.fixture(scope="session")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A second one."""
    return new_authority(tmp_path_factory.mktemp("other-authority"), "other-authority")


@pytest.fixture(params=["blocking", "asynchronous"])
def carry(request: pytest.FixtureRequest) -> Iterator[Carriers]:
    """Make a transport, in turn each of the two: ``carry(settings)``."""
    with contextlib.ExitStack() as stack:

        def make(settings: Settings, on_pause: Callable[[], None] = lambda: None) -> BlockingCarrier | AsyncCarrier:
            if request.param == "blocking":
                blocking = BlockingCarrier(settings, on_pause)
                stack.callback(blocking.close)
                return blocking
            asynchronous = AsyncCarrier(settings, on_pause)
            stack.callback(asynchronous.end)
            return asynchronous

        yield make
