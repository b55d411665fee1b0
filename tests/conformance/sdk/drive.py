"""Play every scene with the SDK of this environment, each on an empty emulator; print what was read as JSON.

Needs only the SDK. What it must know stands in the environment variables that :func:`main` names. Resources are read
until they have ended without any waiting, so the emulator's setting ``processing`` should be ``after_reads:N``.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Any

import files
import media
import refusals
import tasks
import uploads
from recording import Recorder

SCENES = (files, media, tasks, uploads, refusals)


def main() -> int:
    """Print one JSON document: the SDK's version, and of each scene its notes or how it broke."""
    scenes: dict[str, Any] = {}
    for scene in SCENES:
        recorder = Recorder(
            os.environ["EMULATOR_URL"],
            os.environ["EMULATOR_API_KEY"],
            version=os.environ["VERSION_ARGUMENT"] or None,
            media_url=os.environ["MEDIA_URL"],
            media_folder=Path(os.environ["MEDIA_FOLDER"]),
        )
        recorder.empty_emulator()
        try:
            scene.play(recorder)
        except Exception:  # noqa: BLE001 - it goes into the report, and the other scenes still tell something
            scenes[scene.__name__] = {"broken": traceback.format_exc()}
        else:
            scenes[scene.__name__] = {"notes": recorder.notes, "requests": recorder.requests()}
    json.dump({"sdk": version("ittybit"), "scenes": scenes}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
