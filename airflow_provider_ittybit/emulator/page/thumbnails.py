"""Thumbnails for the page: made of the file itself when they are first asked for, and kept beside it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.library import live
from airflow_provider_ittybit.emulator.page.overview import PICTURED

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ittybit.emulator.service import Service

NAME = "thumbnail-of-the-page.jpg"
OPTIONS = {"width": 320, "height": 180, "fit": "contain", "format": "jpeg", "background": "#101418"}

_ONE_AT_A_TIME = threading.Lock()


def thumbnail(service: Service, file_id: str) -> Path | None:
    """Return the picture of a file, or None if it has none (yet). It may take a while: not for an event loop.

    :param file_id: as it came in.
    """
    from airflow_provider_ittybit.emulator.media.production import produce
    from airflow_provider_ittybit.emulator.media.refusal import CannotProcess

    file = live(service, file_id)
    if file is None or not file.facts or file.kind not in PICTURED or file.discarded:
        return None
    kept = service.blobs.sidecar(file.id, NAME)
    with _ONE_AT_A_TIME:
        if kept.exists():
            return kept
        folder = service.blobs.new_folder()
        try:
            made = produce("image", OPTIONS, service.blobs.content(file.id), folder)
            made.replace(kept)
        except (CannotProcess, OSError):  # nothing to be shown, or deleted meanwhile
            return None
        finally:
            service.blobs.discard(folder)
    return kept
