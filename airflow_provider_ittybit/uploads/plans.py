"""Which upload protocol fits the generation and the source, and what can be said along with it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api.generations import GENERATIONS, Upload
from airflow_provider_ittybit.api.kinds import JOB_KINDS
from airflow_provider_ittybit.exceptions import IttybitInputError
from airflow_provider_ittybit.uploads.formats import kind_of
from airflow_provider_ittybit.uploads.sources import FileSource, UploadSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ittybit.api.settings import Settings

_AFTERWARDS = {"ref": "file", "metadata": "file", "title": "media"}
"""What the body of a ``PUT`` cannot carry, and the resource on which it is set after the upload."""

_TO_DELIVERY_DOMAIN = (Upload.DIRECT_PUT, Upload.SELF_SIGNED_PUT)


@dataclass(frozen=True, slots=True)
class Plan:
    """How one upload will go.

    :param protocol: the way in.
    :param along: fields that go with the upload itself.
    :param file_changes: fields to set on the file afterwards.
    :param media_changes: fields to set on its media afterwards.
    """

    protocol: Upload
    along: Mapping[str, Any]
    file_changes: Mapping[str, Any]
    media_changes: Mapping[str, Any]


def plan_upload(settings: Settings, source: UploadSource, fields: Mapping[str, Any]) -> Plan:
    """Choose the protocol and sort the fields, before anything is sent.

    :param settings: the connection, whose generation decides.
    :param source: what is uploaded.
    :param fields: ``filename``, ``folder``, ``title``, ``metadata``, ``ref``, ``media_id``, ``kind``, ``options``,
        ``output``; those that are ``None`` do not count.
    :raises IttybitUnsupportedError: the generation does not take bytes, or not such a field.
    :raises IttybitInputError: a field is no JSON, or the jobs generation needs a kind and none could be found.
    """
    generation = settings.generation
    given = {name: value for name, value in fields.items() if value is not None}
    _refuse_unsendable(given)
    protocol = _protocol(settings, source)
    allowed = set(generation.upload_fields)
    if protocol is not Upload.INGEST:
        allowed = (allowed | {"filename"}) - {"media_id", "kind", "options", "output"}
    if protocol is Upload.SELF_SIGNED_PUT:
        allowed = {"filename", "folder"}
    refused = sorted(set(given) - allowed)
    if refused:
        lack = f"has no place for {', '.join(refused)} in an upload by {protocol.value}"
        have = [g.name for g in GENERATIONS if set(refused) <= g.upload_fields]
        raise generation.lacks(lack, have)
    if protocol is Upload.INGEST and "kind" in generation.upload_fields:
        given["kind"] = _job_kind(given.get("kind"), source)
    late = _AFTERWARDS if protocol is not Upload.INGEST else {"title": "media"}
    return Plan(
        protocol=protocol,
        along={name: value for name, value in given.items() if name not in late},
        file_changes={name: value for name, value in given.items() if late.get(name) == "file"},
        media_changes={name: value for name, value in given.items() if late.get(name) == "media"},
    )


def _refuse_unsendable(fields: Mapping[str, Any]) -> None:
    """Refuse now what could only fail when the bytes are there, and the field is set on them."""
    for name, value in fields.items():
        try:
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            reason = str(error)
        else:
            continue
        message = f"What {name} should be is no JSON: {reason}. Nothing was sent."
        raise IttybitInputError(message)


def _protocol(settings: Settings, source: UploadSource) -> Upload:
    generation = settings.generation
    if not isinstance(source, FileSource):
        return Upload.INGEST
    to_domain = [way for way in generation.uploads if way in _TO_DELIVERY_DOMAIN]
    if settings.delivery_url and to_domain:
        return to_domain[0]
    ways = [way for way in generation.uploads if way is not Upload.INGEST and way not in _TO_DELIVERY_DOMAIN]
    if not ways:
        lack = (
            f"takes no bytes, only URLs, so {source} cannot be uploaded: put it where ittybit can fetch it, or set "
            "delivery_domain of the connection to the project's own domain"
        )
        take_bytes = {Upload.MULTIPART, Upload.SIGNED_PUT}
        raise generation.lacks(lack, [g.name for g in GENERATIONS if take_bytes & set(g.uploads)])
    return ways[0]


def _job_kind(kind: Any, source: UploadSource) -> str:
    found = kind or kind_of(source.mime_type)
    if not found:
        message = (
            f"The jobs generation has to know what to make of {source}, and its name does not say: pass kind= "
            f"with one of {', '.join(sorted(JOB_KINDS))}."
        )
        raise IttybitInputError(message)
    return str(found)


def fingerprint_of(settings: Settings, source: UploadSource, fields: Mapping[str, Any]) -> str:
    """Tell one upload from any other: where it goes, what it says, and which bytes it sends.

    :return: a hash; it changes with the size, modification time or ETag of the source, but not when its URL is only
        signed anew, and holds no secret.
    """
    bytes_ = [source.size, source.stamp] if isinstance(source, FileSource) else []
    wish = [settings.host, settings.generation.name, source.identity, *bytes_, dict(fields)]
    return hashlib.sha256(json.dumps(wish, sort_keys=True, default=str).encode()).hexdigest()[:20]
