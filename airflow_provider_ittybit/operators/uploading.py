"""The uploads of one task: one or several, each with its own notes for a retry."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_ittybit.api.generations import GENERATIONS, Upload
from airflow_provider_ittybit.durability import journal_of
from airflow_provider_ittybit.exceptions import (
    IttybitError,
    IttybitInputError,
    IttybitUploadsFailedError,
    IttybitUploadsRefusedError,
)
from airflow_provider_ittybit.operators.waiting import ID_KEY
from airflow_provider_ittybit.uploads.many import connect_stores, side_by_side
from airflow_provider_ittybit.uploads.namesakes import beside
from airflow_provider_ittybit.uploads.signatures import SHORTEST, without_signature, without_signed_inputs
from airflow_provider_ittybit.uploads.unreadable import presentable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_ittybit.hooks.ittybit import IttybitHook
    from airflow_provider_ittybit.uploads.journal import Journal


@dataclass(frozen=True, slots=True)
class Uploads:
    """What one task uploaded, in this try and in earlier ones.

    :param resources: one for each source, in their order.
    :param journals: where each is noted.
    """

    resources: list[dict[str, Any]]
    journals: Sequence[Journal]

    @property
    def since(self) -> float:
        """Unix seconds when ittybit accepted the last of them, whichever try that was; now, if nothing says so."""
        return max(journal.accepted or time.time() for journal in self.journals)


def upload_all(
    hook: IttybitHook,
    sources: Sequence[object],
    fields: Mapping[str, Any],
    *,
    context: Any,
    durable: bool,
    parallel: int,
    many: bool,
    wait: bool = False,
) -> Uploads:
    """Upload what one task should.

    :param fields: arguments of ``IttybitHook.upload_media``.
    :param many: whether several were asked for; then each has notes of its own, and all are tried.
    :param wait: whether the task waits for the processing afterwards.
    :return: one resource for each source, in their order, and their notes.
    :raises IttybitUploadsFailedError: some of several failed.
    :raises IttybitUnsupportedError: the task would wait for bytes that the generation takes, but never shows again.
    """
    if wait:
        _refuse_to_wait_for_bytes(hook, sources, fetch=bool(fields.get("fetch")))
    if not many:
        journal = journal_of(context, durable=durable)
        try:
            return Uploads([hook.upload_media(sources[0], **fields, journal=journal)], [journal])
        except IttybitError as error:
            if error.resource_id:  # the bytes are there, and something could not be set on them
                context["ti"].xcom_push(key=ID_KEY, value=error.resource_id)
            raise
    if fields.get("filename"):
        message = f"filename={fields['filename']!r} cannot name {len(sources)} files: leave it out, each keeps its own."
        raise IttybitInputError(message)
    hook.get_conn()  # connects once, before the threads
    connect_stores(sources)
    journals = beside(
        [journal_of(context, durable=durable, name=name) for name in _names(sources)],
        sources,
        fetch=bool(fields.get("fetch")),
    )

    def one(noted: tuple[Journal, object]) -> dict[str, Any]:
        journal, source = noted
        return hook.upload_media(source, **fields, journal=journal)

    items, places = list(zip(journals, sources, strict=True)), [journal.filename for journal in journals]
    results, errors = side_by_side(items, one, parallel, places, stop=hook.pause.stop)
    uploaded = [resource for resource in results if resource is not None]
    if errors:
        half_done = [getattr(error, "resource_id", None) for error in errors.values()]
        there = [*(str(resource["id"]) for resource in uploaded), *filter(None, half_done)]
        context["ti"].xcom_push(key="ittybit_uploaded", value=there)
        lasting = all(journal.lasting for journal in journals)
        raise _failure(sources, uploaded, errors, lasting=lasting) from next(iter(errors.values()))
    return Uploads(uploaded, journals)


def _refuse_to_wait_for_bytes(hook: IttybitHook, sources: Sequence[object], *, fetch: bool) -> None:
    """Refuse what could only fail when all bytes are there: such files have no status that could be read."""
    generation = hook.settings.generation
    if Upload.SELF_SIGNED_PUT not in generation.uploads or not hook.settings.delivery_url:
        return
    for source in sources:
        text = source.strip().lower() if isinstance(source, str) else ""
        if fetch or not text.startswith(("http://", "https://")):
            lack = "shows no files, so no task can wait for the processing of bytes: leave out wait_for_processing"
            raise generation.lacks(lack, [g.name for g in GENERATIONS if "files" in g.resources])


def _names(sources: Sequence[object]) -> list[str]:
    """Name each, also one that is there twice.

    A file more or less at the retry changes no other name, nor does a URL that is signed anew.
    """
    seen = Counter[str]()
    names = []
    for source in (without_signature(str(source)) for source in sources):
        seen[source] += 1
        names.append(f"{seen[source]} {source}")
    return names


def without_signatures(resource: Mapping[str, Any], given: object) -> dict[str, Any]:
    """Copy a resource without the queries of the URLs that it was made from, wherever these stand in it.

    :param resource: as ittybit answered it.
    :param given: what the user gave: a URL, or a list or mapping that holds some, at any depth.
    """
    signed = [text.strip() for text in _texts(given) if "://" in text and "?" in text]
    places = {presentable(url) for url in signed}
    queries = {f"?{url.partition('?')[2]}" for url in signed}
    endings = sorted((query for query in queries if len(query) > SHORTEST), key=len, reverse=True)

    def clean(value: Any) -> Any:
        if isinstance(value, str) and "?" in value:
            return presentable(value) if presentable(value) in places else _without(endings, value)
        if isinstance(value, dict):
            return {name: clean(item) for name, item in value.items()}
        return [clean(item) for item in value] if isinstance(value, list) else value

    return {name: clean(value) for name, value in without_signed_inputs(dict(resource)).items()}


def _without(endings: Sequence[str], value: str) -> str:
    """Shorten a name that was made of a URL. The query of another URL stays: it may be the same by chance."""
    for ending in () if "://" in value else endings:
        value = value.replace(ending, "")
    return value


def _texts(given: object) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    elif isinstance(given, Mapping):
        yield from _texts(list(given.values()))
    elif isinstance(given, list | tuple | set | frozenset):
        for one in given:
            yield from _texts(one)


def _failure(
    sources: Sequence[object],
    uploaded: Sequence[Mapping[str, Any]],
    errors: Mapping[int, Exception],
    *,
    lasting: bool,
) -> IttybitUploadsFailedError:
    failed: dict[str, str] = {}
    for position, error in errors.items():
        name = presentable(str(sources[position]))
        name = f"{name} (number {position + 1})" if name in failed else name
        failed[name] = str(error) if isinstance(error, IttybitError) else f"{type(error).__name__}, see the log."
    listed = "\n".join(f"- {name}: {reason}" for name, reason in failed.items())
    hopeless = all(isinstance(error, AirflowFailException) for error in errors.values())
    if hopeless:
        outlook = ". No retry can help, and a cleared task sends all again: upload only these once they are mended"
    elif lasting:
        outlook = ", and a retry sends only what failed"
    else:
        outlook = ", but a retry sends all again, since nothing is noted without Airflow 3.3 and durable=True"
    message = (
        f"{len(failed)} of {len(sources)} uploads failed; the other {len(uploaded)} are kept at ittybit{outlook}:\n"
        f"{listed}"
    )
    kind = IttybitUploadsRefusedError if hopeless else IttybitUploadsFailedError
    return kind(message, failed=failed, uploaded=[str(resource["id"]) for resource in uploaded])
