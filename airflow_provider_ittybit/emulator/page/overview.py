"""What the page shows, as values: all media of all generations, newest first, each with one state."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.records import FAILED, PROCESSING, WAITING, File, Job, Media, Run, Task
from airflow_provider_ittybit.emulator.rendering import main_file
from airflow_provider_ittybit.emulator.store import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ittybit.emulator.records import Work
    from airflow_provider_ittybit.emulator.service import Service

MOST_MEDIA = 60
MOST_WORK = 30
EMPTY, READY, CANCELLED = "empty", "ready", "cancelled"
STATES = (WAITING, PROCESSING, READY, FAILED, CANCELLED, EMPTY)
PICTURED = frozenset(["video", "image"])


@dataclass(frozen=True, slots=True)
class Card:
    """One media.

    :param state: one of ``STATES``.
    :param picture: id of the file that its thumbnail is made of, if it has pictures.
    :param files: name, state and error of each of its files.
    """

    id: str
    title: str
    kind: str | None
    state: str
    created: float
    size: int
    width: int | None
    height: int | None
    duration: float | None
    picture: str | None
    files: tuple[tuple[str, str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One task, run or job."""

    id: str
    kind: str
    state: str
    error: str | None
    created: float


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that the page shows; ``media`` and ``work`` count also what is left out."""

    cards: tuple[Card, ...]
    rows: tuple[Row, ...]
    media: int
    work: int
    states: tuple[tuple[str, int], ...]


def overview(service: Service) -> Overview:
    """Look at everything. The page shows the truth at once, also under ``after_reads:N``, and counts as no read."""
    store = service.store
    shown = store.select(Media, Query(), limit=MOST_MEDIA)
    cards = tuple(_card(service, media) for media in shown)
    work: list[Task | Run | Job] = []
    for kind in (Task, Run, Job):
        work += store.select(kind, Query(), limit=MOST_WORK)
    work.sort(key=lambda one: one.created, reverse=True)
    counted = Counter(card.state for card in cards)
    return Overview(
        cards,
        tuple(_row(one) for one in work[:MOST_WORK]),
        store.count(Media, Query()),
        sum(store.count(kind, Query()) for kind in (Task, Run, Job)),
        tuple((state, counted[state]) for state in STATES if counted[state]),
    )


def _card(service: Service, media: Media) -> Card:
    files = service.store.select(File, Query({"media_id": media.id}, descending=False))
    first = main_file(files)
    facts = (first.facts if first else None) or {}
    has_pictures = first is not None and first.kind in PICTURED and bool(first.facts) and not first.discarded
    return Card(
        id=media.id,
        title=media.title or (first.filename if first else None) or media.id,
        kind=first.kind if first else None,
        state=_joint_state(files),
        created=media.created,
        size=sum(file.filesize for file in files),
        width=facts.get("width"),
        height=facts.get("height"),
        duration=facts.get("duration"),
        picture=first.id if first is not None and has_pictures else None,
        files=tuple((file.filename or file.ref or file.id, _state(file), file.error) for file in files),
    )


def _row(work: Task | Run | Job) -> Row:
    kind = "run" if isinstance(work, Run) else f"{work.kind} job" if isinstance(work, Job) else work.kind
    return Row(work.id, kind, _state(work), work.error, work.created)


def _state(work: Work) -> str:
    return READY if work.is_finished and work.status not in (FAILED, CANCELLED) else work.status


def _joint_state(files: Sequence[File]) -> str:
    """Return the state of several files together: the one that says most."""
    states = {_state(file) for file in files}
    return next((state for state in (FAILED, PROCESSING, WAITING, READY) if state in states), EMPTY)
