"""Why a source cannot be read, in words that help and hold no secret."""

from __future__ import annotations

from airflow_provider_ittybit.exceptions import IttybitError, IttybitSourceError, IttybitSourceNotFoundError

_ON_WORKER = ("", "file", "local")
"""Protocols of paths that lead to the worker's own file system."""


def unreadable(path: object, error: Exception) -> IttybitError:
    """Make an error of what a file system or a store raised.

    A store's own words stay in the cause, since nobody knows what they hold.

    :param path: the path that could not be read, or a pattern's.
    :param error: what was raised.
    :return: an ``IttybitSourceError`` or ``IttybitSourceNotFoundError``; a plain ``IttybitError``, which lets Airflow
        retry, where a store may just be out of reach.
    """
    shown = presentable(str(path))
    reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    if not in_store(path):
        if isinstance(error, FileNotFoundError):
            message = f"There is no file {shown!r} on this worker: check the path, and that the upstream task wrote it."
            return IttybitSourceNotFoundError(message)
        return IttybitSourceError(f"Cannot read {shown!r}: {reason}. Check its permissions.")
    if isinstance(error, FileNotFoundError):
        message = (
            f"There is no file {shown!r} in its store: check the bucket, the key and {_access(path)}, and that the "
            "upstream task wrote it."
        )
        return IttybitSourceNotFoundError(message)
    if isinstance(error, PermissionError) or "Credential" in type(error).__name__:
        return IttybitSourceError(f"Cannot read {shown!r}: {reason}. Check {_access(path)} and what it may read.")
    return IttybitError(f"Cannot read {shown!r}: {reason}. A retry may help; if not, check {_access(path)}.")


def in_store(path: object) -> bool:
    """Tell an object of a store from a file of this worker."""
    return hasattr(path, "fs") and getattr(path, "protocol", "") not in _ON_WORKER


def presentable(text: str) -> str:
    """Leave out the query, which may be a signature, and credentials before the host."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        return text
    authority, slash, path = rest.split("?", 1)[0].partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def has_key_before_bucket(url: str) -> bool:
    """Tell whether a URL of a store holds a key and its secret, which Airflow and its file systems log and keep."""
    return ":" in url.partition("://")[2].partition("/")[0].rpartition("@")[0]


def _access(path: object) -> str:
    options = getattr(path, "storage_options", None) or {}
    connection = getattr(path, "conn_id", None) or options.get("conn_id")  # older ones have it there only
    if connection and ":" not in connection:  # with one it is no id, but a key and its secret
        return f"the connection {connection!r}"
    return "its connection, which is named as in s3://aws_default@bucket/key"
