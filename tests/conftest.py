"""What all tests share: a throw-away AIRFLOW_HOME, a running emulator, real media, a small web server."""

from __future__ import annotations

import atexit
import json
import logging
import os
import secrets
import shutil
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Airflow reads its home when it is first imported, so this comes before every import of it.
_HOME = Path(tempfile.mkdtemp(prefix="ittybit-tests-"))
os.environ.update(
    AIRFLOW_HOME=str(_HOME),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__DAGS_FOLDER=str(_HOME / "dags"),
    AIRFLOW__LOGGING__LOGGING_LEVEL="INFO",
)
# connections of whoever runs the tests, and a bundle of CA certificates, which each new hook would read for 50 ms
for _name in [name for name in os.environ if name.startswith("AIRFLOW_CONN_") or name.endswith("_CA_BUNDLE")]:
    del os.environ[_name]
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)

import pytest  # noqa: E402 - after AIRFLOW_HOME
from blocking_calls import watch  # noqa: E402 - same
from hypothesis import HealthCheck, Phase  # noqa: E402 - same
from hypothesis import settings as hypothesis_settings  # noqa: E402 - same

from airflow_provider_ittybit.emulator.media.samples import make_audio, make_image, make_video  # noqa: E402
from airflow_provider_ittybit.emulator.running import RunningEmulator  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
_PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]  # to explain a failure takes minutes
LONGEST_EXAMPLE = 2_000
"""Milliseconds that reading one made-up value may take; `make test` leaves time out, since it shares its machine."""
hypothesis_settings.register_profile(
    "quick",
    max_examples=50,
    deadline=None,
    derandomize=True,
    database=None,
    phases=_PHASES,
    suppress_health_check=_SLOW,
)
hypothesis_settings.register_profile(
    "long", max_examples=2_500, deadline=LONGEST_EXAMPLE, phases=_PHASES, suppress_health_check=_SLOW
)
hypothesis_settings.load_profile("quick")  # `make fuzz` asks for the other one

MUCH_PATIENCE = 20.0
GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
TAKE_BYTES = ("media", "files-enveloped", "files-flat")
USUAL_FIRST = ("files-flat", "tasks", "media", "jobs", "files-enveloped")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--one-generation",
        action="store_true",
        help="of tests that differ by the API generation only, run one: what is spoken does not depend on Airflow",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no process does it alone at the end; keep one generation if asked to.

    With ``--one-generation`` a test is run for its usual generation, else for the next that it has.
    """
    items.sort(key=lambda item: "system" not in item.path.parts)
    for item in items:
        if "patience" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.flaky(reruns=1))
    if not config.getoption("--one-generation"):
        return
    best: dict[object, int] = {}
    places = []
    for item in items:
        params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        generations = [value for value in params.values() if isinstance(value, str) and value in GENERATIONS]
        others = sorted(f"{name}={value!r}" for name, value in params.items() if value not in generations)
        test = (item.nodeid.partition("[")[0], *others)
        place = USUAL_FIRST.index(generations[0]) if generations else 0
        places.append((item, test, place))
        best[test] = min(place, best.get(test, place))
    items[:] = [item for item, test, place in places if place == best[test]]
    config.hook.pytest_deselected(items=[item for item, test, place in places if place != best[test]])


@pytest.fixture
def patience(request: pytest.FixtureRequest) -> float:
    """Times by which a test lengthens its short timeouts: 1, but much more when it runs once again after a failure.

    A machine that stands still for a tenth of a second makes any such timeout pass; what is really wrong fails twice.
    """
    request.node.user_properties.clear()  # what the first try noted
    return 1.0 if getattr(request.node, "execution_count", 1) == 1 else MUCH_PATIENCE


@pytest.fixture(autouse=True)
def held_up() -> Iterator[list[str]]:
    """Fail a test in which the package held up an event loop, wherever the loop runs; see ``blocking_calls``."""
    found = watch()
    found.clear()
    yield found
    assert found == []


@pytest.fixture(autouse=True)
def _no_rate_limit_of_an_earlier_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test lines of its own: they are remembered for minutes, by host and key."""
    shared_line = sys.modules.get("airflow_provider_ittybit.transport.shared_line")
    if shared_line is None:  # tests that need no Airflow must not load it
        yield
        return
    name = f"{shared_line.FOLDER}-{secrets.token_hex(6)}"
    monkeypatch.setattr(shared_line, "FOLDER", name)
    yield
    shutil.rmtree(Path(tempfile.gettempdir()) / name, ignore_errors=True)


@pytest.fixture(autouse=True)
def _no_masks_of_an_earlier_test() -> Iterator[None]:
    """Have Airflow forget what it masks in logs: it compiles one expression of all secrets with each that comes new."""
    yield
    for name in [name for name in sys.modules if name.startswith("airflow.") and name.endswith("secrets_masker")]:
        if made := getattr(sys.modules[name], "_secrets_masker", None):
            made().patterns, made().replacer = set(), None


@pytest.fixture(scope="session", autouse=True)
def _logging_of_the_tests_stays() -> Iterator[None]:
    """Keep Airflow's migrations from setting up logging: those of Airflow 2 end INFO for all tests that follow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("logging.config.fileConfig", lambda *_args, **_options: None)
        yield


@pytest.fixture(autouse=True)
def _no_log_handlers_of_an_earlier_test() -> Iterator[None]:
    """Take from the task's logger what ``dag.test`` of Airflow 2 leaves: it writes to the output of that test."""
    logger = logging.getLogger("airflow.task")
    before = list(logger.handlers)
    yield
    logger.handlers[:] = before


@pytest.fixture(scope="session")
def running_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """One emulator for each test process."""
    with RunningEmulator(state=tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def emulator(running_emulator: RunningEmulator) -> Iterator[RunningEmulator]:
    """The emulator, empty and without faults; settings go back to what they were."""
    control = running_emulator.control
    before = control.settings()
    yield running_emulator
    control.settings(**before)
    control.clear_faults()
    control.reset()
    control.forget_requests()


@pytest.fixture
def connect(emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RunningEmulator]:
    """Point the default connection at the emulator: ``connect("files-flat", timeout=5)``."""

    def point(api_version: str, **extra: Any) -> RunningEmulator:
        if api_version == "jobs":  # no version value is published for it, so none is sent
            emulator.control.settings(default_version="jobs")
        connection = json.loads(emulator.airflow_connection(api_version=api_version))
        connection["extra"] = {**connection["extra"], **extra}
        monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", json.dumps(connection))
        return emulator

    return point


@pytest.fixture
def hook_for(connect: Callable[..., RunningEmulator]) -> Iterator[Callable[..., IttybitHook]]:
    """Make a hook for a generation on the emulator: ``hook_for("media")``."""
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

    hooks: list[IttybitHook] = []

    def make(api_version: str, **extra: Any) -> IttybitHook:
        connect(api_version, **extra)
        hooks.append(IttybitHook())
        return hooks[-1]

    yield make
    for hook in hooks:
        hook.close()


@pytest.fixture
def no_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all answers reach a worker without a ``Date`` header, which servers send and no standard demands of them."""
    from airflow_provider_ittybit.api.messages import Headers
    from airflow_provider_ittybit.transport import blocking

    def without_date(items: Iterable[tuple[str, str]]) -> Headers:
        return Headers((name, value) for name, value in items if name.lower() != "date")

    monkeypatch.setattr(blocking, "Headers", without_date)


@pytest.fixture(scope="session")
def media_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a real video (2 s, 320x180, 24 fps), image (320x240) and audio (2 s)."""
    folder = tmp_path_factory.mktemp("media")
    make_video(folder / "clip.mp4")
    make_image(folder / "still.png")
    make_audio(folder / "tone.mp3")
    return folder


@pytest.fixture
def video(media_folder: Path) -> Path:
    return media_folder / "clip.mp4"


@pytest.fixture
def image(media_folder: Path) -> Path:
    return media_folder / "still.png"


@pytest.fixture
def audio(media_folder: Path) -> Path:
    return media_folder / "tone.mp3"


class _QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def web(media_folder: Path) -> Iterator[str]:
    """The base URL of a web server that serves the media folder, for uploads by URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_QuietFiles, directory=str(media_folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(5)
