"""Carries out the plan of an upload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api import creations
from airflow_provider_ittybit.api.calls import update_resource
from airflow_provider_ittybit.api.forms import new_boundary
from airflow_provider_ittybit.api.generations import Upload
from airflow_provider_ittybit.exceptions import IttybitError, IttybitUnreadableAnswerError
from airflow_provider_ittybit.uploads.sources import FileSource
from airflow_provider_ittybit.uploads.streaming import FileBody, FormBody

if TYPE_CHECKING:
    from airflow_provider_ittybit.transport.blocking import BlockingTransport
    from airflow_provider_ittybit.uploads.plans import Plan
    from airflow_provider_ittybit.uploads.sources import UploadSource


def send_upload(transport: BlockingTransport, source: UploadSource, plan: Plan) -> dict[str, Any]:
    """Upload as planned.

    :return: the resource that ittybit answered: a media, file, run or job.
    :raises IttybitError: ittybit or the network said no. If the bytes had arrived by then, ``resource_id`` and
        the message say under which id.
    """
    resource = _send_bytes(transport, source, plan)
    if not isinstance(resource.get("id"), str) or not resource["id"]:
        message = (
            f"ittybit took the upload of {source}, but its answer names no id. Look for {source.name!r} in "
            "the ittybit app before uploading it again."
        )
        raise IttybitUnreadableAnswerError(message)
    return _label(transport, resource, plan)


def _send_bytes(transport: BlockingTransport, source: UploadSource, plan: Plan) -> dict[str, Any]:
    generation = transport.settings.generation
    if not isinstance(source, FileSource):
        return transport.send(creations.ingest(generation, source.url, plan.along))
    folder = plan.along.get("folder")
    if plan.protocol is Upload.MULTIPART:
        return transport.send(creations.send_form(FormBody(source, new_boundary())))
    if plan.protocol is Upload.DIRECT_PUT:
        return transport.send(creations.put_direct(folder, source.name, FileBody(source)))
    signature = transport.send(creations.sign(generation, source.name, folder=folder, method="put"))
    url = signature.get("url")
    if not isinstance(url, str) or "://" not in url:
        message = f"ittybit signed the upload of {source.name!r}, but its answer has no URL. Nothing was uploaded."
        raise IttybitUnreadableAnswerError(message)
    return transport.send(creations.put_signed(url, FileBody(source)))


def _label(transport: BlockingTransport, resource: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """Set what the upload itself could not carry."""
    generation = transport.settings.generation
    try:
        if plan.file_changes:
            resource = transport.send(update_resource(generation, resource["id"], plan.file_changes))
        if plan.media_changes:
            transport.send(update_resource(generation, _media_id(resource), plan.media_changes))
    except IttybitError as error:
        error.resource_id = resource["id"]
        error.message = (
            f"{resource['id']} is uploaded, but {', '.join([*plan.file_changes, *plan.media_changes])} could not "
            f"be set on it: {error.message} Do that with UpdateMediaOperator instead of uploading again."
        )
        raise
    return resource


def _media_id(resource: dict[str, Any]) -> str:
    media_id = resource.get("media_id")
    if not isinstance(media_id, str):
        message = "ittybit's answer names no media for the file, and the title belongs to the media."
        raise IttybitUnreadableAnswerError(message)
    return media_id
