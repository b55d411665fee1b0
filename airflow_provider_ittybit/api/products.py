"""What a resource is made of or has made: what a next task can take as input, and where a person can look at it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_ittybit.api.generations import TaskShape
from airflow_provider_ittybit.api.identifiers import PREFIXES
from airflow_provider_ittybit.exceptions import IttybitInputError

if TYPE_CHECKING:
    from airflow_provider_ittybit.api.generations import Generation

_WORK = frozenset({"tasks", "runs", "jobs"})
_PREVIEWS = ("preview", "poster", "thumbnail")
_IMAGE_KINDS = ("image", "animation")
Product = str | Mapping[str, Any]


def input_of(generation: Generation, value: object) -> Any:
    """Find what to send as the input of a task.

    :param generation: the pinned generation.
    :param value: a URL, the id of a file, an input object, or the resource that an upstream task returned: a file
        stands for itself, a media for its one source, and a task, run or job for the one file that it made.
    :return: an id or a URL; in the jobs generation also an input object. What is no resource comes back as it is.
    :raises IttybitInputError: the resource holds no file, or several.
    """
    if not isinstance(value, Mapping) or generation.task_shape is None:
        return value
    found = products(value)
    if len(found) != 1:
        raise _not_one(value, found)
    [product] = found
    if generation.task_shape is TaskShape.JOB or isinstance(product, str):
        return product
    if generation.task_shape is TaskShape.FLAT and _collection(product) == "files":
        return product["id"]
    return _url_of(product) or product


def products(resource: Mapping[str, Any]) -> list[Product]:
    """List the files that a resource is, holds or made: as objects, or as the URL where only that is told.

    :param resource: a resource as received, or anything else, which counts as a file.
    """
    collection = _collection(resource)
    if collection in _WORK:
        own = [*_products_in(resource.get("output")), *_products_in(resource.get("outputs"))]
        if own or collection != "runs":
            return own  # what the tasks of a job made is on the way to its output
        return [made for task in _objects(resource.get("tasks")) for made in products(task)]
    if collection == "media":
        files = _objects(resource.get("files")) or _objects(resource.get("sources"))
        return [*([file for file in files if file.get("object") == "source"] or files)]
    return [resource]


def public_url(resource: object) -> str | None:
    """Find where a person can look at what a resource is or made.

    :param resource: a resource as ittybit answered it, or a list that holds one.
    :return: a URL of ittybit's answer; ``None`` if it gives none, or only such as have a query, which may be a
        signature, or a user, which may be a key. What the resource was made from is never shown.
    """
    resource = _only(resource)
    if resource is None:
        return None
    urls = [_url_of(product) for product in products(resource)]
    if _collection(resource) == "media":
        named = resource.get("urls")
        urls += [*(named.values() if isinstance(named, Mapping) else []), resource.get("url")]
    return _first_public(urls)


def preview_url(resource: object) -> str | None:
    """Find a still or another preview of what a resource is or made.

    Only the page of the ``media`` generation names such fields: a media has URLs for preview and poster. It does not
    show where they stand, so they are looked for in ``urls`` and beside it. In the files generations ``urls`` of a
    media goes by the ``ref`` that a user gave each file, so a file with the ref preview, poster or thumbnail is taken.
    No other field for a preview is documented there, and none at all for the files, tasks, runs and jobs of any
    generation. Where none is given, an image that the resource is, holds or made is its preview, the first of several.
    An image is what ittybit says is one: by the ``kind`` or ``type`` of the file, or, where the file has neither, by
    the ``kind`` of the media, task or job that it belongs to; so a track of thumbnails that is text is none.

    :param resource: a resource as ittybit answered it, or a list that holds one.
    :return: a URL of ittybit's answer; ``None`` if it gives none, or only such as :func:`public_url` does not show.
    """
    resource = _only(resource)
    if resource is None:
        return None
    return _first_public([*_named_previews(resource), *_images(resource)])


def _only(resource: object) -> Mapping[str, Any] | None:
    if isinstance(resource, list) and len(resource) == 1:
        resource = resource[0]
    return resource if isinstance(resource, Mapping) else None


def _first_public(urls: Iterable[Any]) -> str | None:
    return next((url for url in urls if isinstance(url, str) and _is_public(url)), None)


def _named_previews(resource: Mapping[str, Any]) -> list[Any]:
    if _collection(resource) in _WORK:
        return []  # a field of that name would be a wish of the user, as options are
    urls = resource.get("urls")
    holders = [urls, resource] if isinstance(urls, Mapping) else [resource]
    return [holder.get(name) for holder in holders for name in _PREVIEWS]


def _images(resource: Mapping[str, Any]) -> list[Any]:
    collection, kind = _collection(resource), resource.get("kind")
    images = [_url_of(product) for product in products(resource) if _is_image(product, kind)]
    if collection == "runs" and not images:
        return [url for task in _objects(resource.get("tasks")) for url in _images(task)]
    if collection == "media":
        held = [*_objects(resource.get("files")), *_objects(resource.get("tracks"))]
        images += [_url_of(file) for file in held if _is_image(file)]
        images += [resource.get("url")] if kind in _IMAGE_KINDS else []
    return images


def _is_image(product: Product, made_as: object = None) -> bool:
    kind, mime = (None, None) if isinstance(product, str) else (product.get("kind"), product.get("type"))
    if kind is None and mime is None:
        return made_as in _IMAGE_KINDS
    return kind in _IMAGE_KINDS or str(mime).startswith("image/")


def _url_of(product: Product) -> Any:
    return product if isinstance(product, str) else product.get("url") or product.get("src")


def _products_in(value: object) -> list[Product]:
    if isinstance(value, str) and "://" in value:
        return [value]
    if isinstance(value, Mapping):
        return [value] if value.get("id") or value.get("url") else []
    return [product for item in value for product in _products_in(item)] if isinstance(value, list) else []


def _collection(resource: Mapping[str, Any]) -> str | None:
    """Name the collection of a resource, by its id or by what it says of itself."""
    identifier = resource.get("id")
    prefix, _, rest = identifier.partition("_") if isinstance(identifier, str) else ("", "", "")
    if rest and prefix in PREFIXES:
        return PREFIXES[prefix]
    if isinstance(resource.get("sources"), list) or isinstance(resource.get("files"), list):
        return "media"
    return {"task": "tasks", "run": "runs", "job": "jobs", "media": "media"}.get(str(resource.get("object")))


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _is_public(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and "@" not in parts.netloc and not parts.query


def _not_one(resource: Mapping[str, Any], found: list[Product]) -> IttybitInputError:
    name = str(resource.get("id") or "The resource")
    if found:
        ids = [str(product.get("id", "?")) for product in found if isinstance(product, Mapping)]
        message = f"{name} holds {len(found)} files ({', '.join(ids) or 'URLs'}): pass the one to take."
    else:
        message = (
            f"{name} holds no file yet (status {resource.get('status') or 'not reported'}): wait for it first, with "
            "wait_for_processing=True on the task that made it, or a sensor after it, and pass what that returned."
        )
    return IttybitInputError(message, resource_id=name)
