"""Has each official SDK make its calls in its own environment, and holds what it read."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_ittybit.emulator.running import RunningEmulator

DRIVER = Path(__file__).parent / "sdk" / "drive.py"
ENVIRONMENTS = Path(__file__).parents[2] / ".cache" / "sdk"
LONGEST_DRIVE = 120  # seconds


@dataclass(frozen=True, slots=True)
class Sdk:
    """One release of the SDK.

    :param argument: what its client gets as ``version``. 0.9.0 names no version by itself. It sends this one as the
        header ``ACCEPT_VERSION``, which the emulator honours; whether the real service does is unknown. 1.0.0 sends
        ``Accept-Version: 2025-08-20`` with every call made here.
    :param asks_for: the version that its requests ask for, and the generation that this must mean.
    """

    version: str
    argument: str
    asks_for: tuple[str, str]

    @property
    def is_enveloped(self) -> bool:
        return self.asks_for[1] == "files-enveloped"


SDKS = (
    Sdk("1.0.0", "", ("2025-08-20", "files-flat")),
    Sdk("0.9.0", "2025-01-01", ("2025-01-01", "files-enveloped")),
)


@dataclass(frozen=True, slots=True)
class Report:
    """What one SDK read, scene by scene, from ``begun`` to ``ended``."""

    sdk: Sdk
    document: dict[str, Any]
    api_url: str
    delivery_url: str
    begun: datetime
    ended: datetime

    def scene(self, name: str) -> dict[str, Any]:
        """Return the notes of one scene by their names."""
        return dict(self._scene(name)["notes"])

    def requests(self) -> list[dict[str, Any]]:
        """Return what the emulator was asked in all scenes."""
        return [request for name in self.document["scenes"] for request in self._scene(name)["requests"]]

    def _scene(self, name: str) -> dict[str, Any]:
        scene = self.document["scenes"][name]
        if "broken" in scene:
            pytest.fail(f"The scene {name} broke in the SDK {self.sdk.version}:\n{scene['broken']}", pytrace=False)
        return dict(scene)


def interpreter(sdk: Sdk, environments: Path = ENVIRONMENTS) -> Path:
    """Return the Python that has an SDK; fail if the environment was not made."""
    environment = environments / sdk.version
    if not (environment / ".installed").is_file():
        message = f"The SDK ittybit {sdk.version} is not installed in {environment}: run `make test`, which does it."
        pytest.fail(message, pytrace=False)
    return environment / "bin" / "python"


def drive(sdk: Sdk, emulator: RunningEmulator, media_url: str, media_folder: Path) -> Report:
    """Play all scenes with one SDK; the emulator is empty afterwards and has its settings back."""
    python = interpreter(sdk)
    control = emulator.control
    before = control.settings()
    control.settings(processing="after_reads:2")
    begun = datetime.now(UTC)
    try:
        driven = subprocess.run(  # noqa: S603 - the driver that lies beside this file
            [python, DRIVER],
            env={
                "EMULATOR_URL": emulator.api_url,
                "EMULATOR_API_KEY": emulator.api_key,
                "VERSION_ARGUMENT": sdk.argument,
                "MEDIA_URL": media_url,
                "MEDIA_FOLDER": str(media_folder),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            capture_output=True,
            text=True,
            timeout=LONGEST_DRIVE,
            check=False,
        )
    finally:
        control.settings(**before)
        control.reset()
    ended = datetime.now(UTC)
    if driven.returncode != 0:
        pytest.fail(f"The driver broke in the SDK {sdk.version}:\n{driven.stderr}", pytrace=False)
    return Report(sdk, json.loads(driven.stdout), emulator.api_url, emulator.delivery_url, begun, ended)
