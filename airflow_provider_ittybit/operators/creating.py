"""One task, run or job of ittybit for one task of Airflow, however often Airflow tries."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api import creations, delivery
from airflow_provider_ittybit.api.calls import task_list
from airflow_provider_ittybit.api.creations import shown
from airflow_provider_ittybit.api.generations import TaskShape
from airflow_provider_ittybit.api.identifiers import is_id
from airflow_provider_ittybit.api.kinds import JOB_KINDS
from airflow_provider_ittybit.api.processing import ProcessingState
from airflow_provider_ittybit.api.products import input_of
from airflow_provider_ittybit.durability import hash_of, wish_record_of
from airflow_provider_ittybit.exceptions import (
    IttybitError,
    IttybitNotFoundError,
    IttybitUnreadableAnswerError,
    surely_not_done,
)
from airflow_provider_ittybit.uploads.arrivals import beginning
from airflow_provider_ittybit.uploads.signatures import veiled, without_signature

if TYPE_CHECKING:
    from airflow_provider_ittybit.durability import Wish, WishRecord
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

log = logging.getLogger(__name__)

KEY_LIVES = 24 * 3600.0
"""Seconds for which ittybit recognises an idempotency key (ittybit's documentation)."""
MOST_LOOKED_AT = 1000
"""Items of a list among which a task whose answer was lost is looked for."""
LABELS = frozenset({"filename", "folder", "ref", "destination", "metadata", "webhook_url"})
"""Fields that only a wish fills, and that an answer may leave out. ``output`` is none, since it shows what was made,
nor is ``connection_id``, for which ittybit has a default (ittybit's documentation)."""
NOTHING: tuple[object, ...] = (None, "", [], {})


@dataclass(frozen=True, slots=True)
class Creation:
    """What is asked for.

    :param kind: what to make.
    :param source: what of, as the user gave it.
    :param options: options of the kind.
    :param fields: other fields, by ittybit's names.
    :param idempotency_key: the user's own; by default one is made.
    """

    kind: str
    source: Any = field(repr=False)
    options: Mapping[str, Any] | None = field(default=None, repr=False)
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    idempotency_key: str | None = None


def create_once(hook: IttybitHook, wanted: Creation, *, context: Any, durable: bool) -> dict[str, Any]:
    """Ask ittybit for something, unless an earlier try of the same run did.

    :param hook: carries it.
    :param context: Airflow's task context; its task state store (Airflow 3.3) keeps the note.
    :param durable: false asks in any case.
    :return: the task or job, as ittybit answered it now or as it is by now.
    """
    generation = hook.settings.generation
    source = veiled(input_of(generation, wanted.source))
    creations.create_task(generation, wanted.kind, source, wanted.options, wanted.fields)  # refuses what cannot be sent
    record = wish_record_of(context, _fingerprint(hook, wanted, source), durable=durable)
    wish = record.read()
    if wish.resource_id is not None:
        found = _still_of_use(hook, wish.resource_id)
        if found is not None:
            return found
        wish = replace(wish, number=wish.number + 1, since=None, resource_id=None)
    elif wish.since is not None:
        found = _find(hook, wanted, source, wish)
        if found is not None:
            record.write(replace(wish, resource_id=str(found["id"])))
            return found
    begun = _begin(hook, wanted, source, record, wish)
    try:
        made = hook.create_task(
            wanted.kind,
            source,
            wanted.options,
            idempotency_key=wanted.idempotency_key or record.name(begun),
            **wanted.fields,
        )
    except IttybitError as error:
        if surely_not_done(error) and begun != wish:
            record.write(wish)  # else the next try would look for it, and might find what another run asked for
        raise
    if not is_id(made.get("id")):
        del made  # a signed URL may be in it, which no traceback should hold
        raise _nameless(wanted, source)
    record.write(replace(begun, resource_id=made["id"]))
    return made


def _nameless(wanted: Creation, source: Any) -> IttybitUnreadableAnswerError:
    """Make the error for an answer without an id: nothing can be waited for, and nothing looked up later."""
    message = (
        f"ittybit took the wish for a task of the kind {wanted.kind!r}, but its answer names no usable id. Look for "
        f"a task of this kind with the input {shown(source)} in the ittybit app before asking for it again."
    )
    return IttybitUnreadableAnswerError(message)


def _fingerprint(hook: IttybitHook, wanted: Creation, source: Any) -> str:
    """Tell one wish from any other; a URL that is only signed anew is the same."""
    settings = hook.settings
    wish = [settings.host, settings.generation.name, wanted.kind, _identity(source), wanted.options]
    return hash_of([*wish, dict(wanted.fields), wanted.idempotency_key])


def _identity(source: Any) -> Any:
    """Name what is processed: an object by its id, since the rest of it may change between two tries."""
    if isinstance(source, Mapping):
        return source.get("id") or {**source, "url": without_signature(str(source.get("url")))}
    return without_signature(source) if isinstance(source, str) else source


def _still_of_use(hook: IttybitHook, resource_id: str) -> dict[str, Any] | None:
    """Read what an earlier try was given; ``None`` if it failed or is gone."""
    try:
        status = hook.get_processing(resource_id)
    except IttybitNotFoundError:
        log.warning("An earlier try was given %s, which is gone: asking anew", resource_id)
        return None
    if status.state in (ProcessingState.FAILED, ProcessingState.CANCELLED):
        log.warning("An earlier try was given %s (status %s): asking anew", resource_id, status.status)
        return None
    log.info("An earlier try was given %s (status %s): nothing is asked for again", resource_id, status.status)
    return dict(status.resource)


def _begin(hook: IttybitHook, wanted: Creation, source: Any, record: WishRecord, wish: Wish) -> Wish:
    """Note the intent, with the time from which on a retry may look; an earlier time stays."""
    if wish.since is not None or not record.lasting:
        return wish
    since = None
    if _has_list(hook, wanted, source) and not hook.settings.generation.idempotency:
        since = hook.get_conn().send(delivery.ask_time(hook.settings.generation))
    wish = replace(wish, since=beginning(since))
    record.write(wish)
    return wish


def _find(hook: IttybitHook, wanted: Creation, source: Any, wish: Wish) -> dict[str, Any] | None:
    """Find what an earlier try asked for without seeing the answer, and tell what happens if there is nothing."""
    generation = hook.settings.generation
    since = wish.since or 0.0
    if generation.idempotency and time.time() - since < KEY_LIVES:
        log.info("An earlier try asked for %r and saw no answer: asking by the same idempotency key", wanted.kind)
        return None
    found: dict[str, Any] | None = None
    if _has_list(hook, wanted, source):
        listed = hook.list_tasks(kind=wanted.kind, created_after=since, max_items=MOST_LOOKED_AT)
        for item in listed:
            if _is_it(item, wanted, source, generation.task_shape):
                found = item  # the oldest, since the list is newest first
    if found is not None:
        log.info("ittybit had made %s of an earlier try's request: nothing is asked for again", found["id"])
        return found
    log.warning(
        "An earlier try asked ittybit for a task of the kind %r and saw no answer: asking again. If the ittybit app "
        "shows two of them, the later one is of this try.",
        wanted.kind,
    )
    return None


def _has_list(hook: IttybitHook, wanted: Creation, source: Any) -> bool:
    """Tell whether what is asked for will stand in a list; single tasks of the jobs generation do not."""
    generation = hook.settings.generation
    return task_list(generation) != "jobs" or (wanted.kind in JOB_KINDS and isinstance(source, str))


def _is_it(item: Mapping[str, Any], wanted: Creation, source: Any, shape: TaskShape | None) -> bool:
    """Tell whether an item of a list is what was asked for: same input, and nothing that it shows is different.

    One that shows an option or a field more than was given is somebody else's. Should ittybit show options that nobody
    gave, which is not published, what was made is not recognised and asked for again: a second one costs less
    than to hand on something else. Where no options are shown, they tell nothing.
    """
    if not is_id(item.get("id")) or not _names([item.get("input"), item.get("inputs")], _identity(source)):
        return False
    asked = dict(wanted.options or {})
    wish = {**asked, **wanted.fields}
    found = {name: item.get(name) for name in (*LABELS, "workflow", *wanted.fields)}
    options, due = item.get("options"), set[str]()
    if isinstance(options, Mapping):
        found |= options
        due = set(wish if shape is TaskShape.FLAT else asked) - LABELS
    return not any(_differs(wish.get(name), found.get(name), is_due=name in due) for name in {*wish, *found})


def _differs(given: object, found: object, *, is_due: bool) -> bool:
    """Tell whether what an item shows speaks against what was given; without ``is_due`` it may also show nothing."""
    if found is None and not is_due:
        return False
    return found != given and not (found in NOTHING and given in NOTHING)


def _names(value: object, wanted: object) -> bool:
    """Tell whether a URL or an id stands anywhere in a JSON value, whatever the name of its field."""
    if isinstance(value, str):
        return without_signature(value) == wanted
    if isinstance(value, Mapping):
        return any(_names(item, wanted) for item in value.values())
    return isinstance(value, list) and any(_names(item, wanted) for item in value)
