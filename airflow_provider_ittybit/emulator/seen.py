"""What a reader sees of a resource that is worked on.

Usually that is the truth. Under ``processing = after_reads:N`` the first N reads show it unfinished, so that a
test can watch a client wait without any waiting of its own. Events are not veiled: they tell the truth at once.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_ittybit.emulator.records import Work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ittybit.emulator.service import Service

W = TypeVar("W", bound=Work)

#: The statuses of a resource on its way, one for each read; the last is repeated.
PROGRESSION = ("waiting", "validating", "queued", "processing", "finishing")

#: What is known only at the end.
_OUTCOME: dict[str, Any] = {
    "error": None,
    "facts": None,
    "outputs": [],
    "found": None,
    "finished": None,
    "output_file": None,
}


def as_seen(service: Service, records: Sequence[W], *, is_read: bool = True) -> list[W]:
    """Return the records as a reader sees them now.

    :param is_read: whether to count this as a read of each; not so for the answer to a create.
    """
    needed = service.settings.reads_needed
    if not needed:
        return list(records)
    if is_read:
        service.store.count_reads(record.id for record in records)
    return [_veiled(service, record, needed) for record in records]


def _veiled(service: Service, record: W, needed: int) -> W:
    reads = service.store.reads(record.id)
    if record.finished_at_birth or not record.is_finished or reads > needed:
        return record
    names = {item.name for item in fields(record)}
    hidden = {name: value for name, value in _OUTCOME.items() if name in names}
    step = min(max(reads - 1, 0), len(PROGRESSION) - 1)
    return replace(record, status=PROGRESSION[step], **hidden)
