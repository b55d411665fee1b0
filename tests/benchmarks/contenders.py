"""Every way to upload that is compared: each function imports and sets up all it needs and returns the call itself."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.job import Job

FILE_TYPE = "video/mp4"
UNREACHED = 1 << 60
"""A threshold that no file reaches: the whole file goes in one PUT."""


def ittybit_multipart(job: Job) -> Callable[[], object]:
    """Upload as this provider does in the media generation."""
    return _ittybit(job, "media")


def ittybit_put(job: Job) -> Callable[[], object]:
    """Upload as this provider does in the files generations, in one piece."""
    return _ittybit(job, "files-flat", threshold=UNREACHED)


def ittybit_chunked(job: Job) -> Callable[[], object]:
    """Upload as this provider does in the files generations, in chunks, 4 at a time."""
    return _ittybit(job, "files-flat", threshold=1)


def requests_files(job: Job) -> Callable[[], object]:
    """Upload as the documentation of requests says first: ``files=``."""
    requests = _load("requests", "netrc")

    def upload() -> None:
        with Path(job.path).open("rb") as file:
            files = {"file": (Path(job.path).name, file, FILE_TYPE)}
            requests.post(f"{job.url}/media", files=files, verify=job.authority, timeout=60).raise_for_status()

    return upload


def toolbelt(job: Job) -> Callable[[], object]:
    """Upload as requests' own documentation says for large files: a streamed form of requests-toolbelt."""
    requests, encoder = _load("requests", "netrc"), _load("requests_toolbelt.multipart.encoder")

    def upload() -> None:
        with Path(job.path).open("rb") as file:
            form = encoder.MultipartEncoder({"file": (Path(job.path).name, file, FILE_TYPE)})
            headers = {"Content-Type": form.content_type}
            url = f"{job.url}/media"
            requests.post(url, data=form, headers=headers, verify=job.authority, timeout=60).raise_for_status()

    return upload


def requests_data(job: Job) -> Callable[[], object]:
    """Upload an open file as the body of a PUT with requests."""
    requests = _load("requests", "netrc")

    def upload() -> None:
        with Path(job.path).open("rb") as file:
            requests.put(f"{job.url}/put/0", data=file, verify=job.authority, timeout=60).raise_for_status()

    return upload


def httpx_files(job: Job) -> Callable[[], object]:
    """Upload with httpx, ``files=``."""
    import ssl

    httpx = _load("httpx", "httpcore", "httpcore._backends.sync", "httpcore._sync.http11", "certifi", "encodings.idna")
    context = ssl.create_default_context(cafile=job.authority)

    def upload() -> None:
        with Path(job.path).open("rb") as file:
            files = {"file": (Path(job.path).name, file, FILE_TYPE)}
            httpx.post(f"{job.url}/media", files=files, verify=context, timeout=60).raise_for_status()

    return upload


def http_operator_files(job: Job) -> Callable[[], object]:
    """Upload with Airflow's HttpOperator and a form."""
    operator = _http_operator(job, method="POST", endpoint="media")

    def upload() -> None:
        with Path(job.path).open("rb") as file:
            operator.request_kwargs = {"files": {"file": (Path(job.path).name, file, FILE_TYPE)}}
            operator.execute({})

    return upload


def http_operator_data(job: Job) -> Callable[[], object]:
    """Upload with Airflow's HttpOperator and an open file as ``data``."""
    operator = _http_operator(job, method="PUT", endpoint="put/0")

    def upload() -> None:
        with Path(job.path).open("rb") as file:
            operator.data = file
            operator.execute({})

    return upload


def boto3_upload_file(job: Job) -> Callable[[], object]:
    """Upload to an S3 server with boto3."""
    boto3 = _load("boto3", "boto3.s3.inject", "s3transfer.upload", "s3transfer.manager", "boto3.s3.transfer")
    client = boto3.client(
        "s3",
        endpoint_url=job.url,
        region_name="us-east-1",
        aws_access_key_id="benchmark",
        aws_secret_access_key="benchmark",
    )
    client.create_bucket(Bucket="benchmark")
    return lambda: client.upload_file(job.path, "benchmark", "file.mp4")


CONTENDERS: dict[str, Callable[[Job], Callable[[], object]]] = {
    "ittybit-multipart": ittybit_multipart,
    "ittybit-put": ittybit_put,
    "ittybit-chunked": ittybit_chunked,
    "requests-files": requests_files,
    "requests-data": requests_data,
    "requests-toolbelt": toolbelt,
    "httpx-files": httpx_files,
    "http-operator-files": http_operator_files,
    "http-operator-data": http_operator_data,
    "boto3-upload-file": boto3_upload_file,
}


def curl(contender: str, job: Job) -> Sequence[str]:
    """Write the command of curl: ``curl-form`` is ``curl -F``, ``curl-put`` is ``curl -T``."""
    how = {
        "curl-form": ["-F", f"file=@{job.path};type={FILE_TYPE}", f"{job.url}/media"],
        "curl-put": ["-T", job.path, f"{job.url}/put/0"],
    }[contender]
    return ["curl", "-q", "-sS", "--fail", "-o", os.devnull, "-w", "%{time_total}", "--cacert", job.authority, *how]


def _ittybit(job: Job, api_version: str, **chunking: Any) -> Callable[[], object]:
    extra = {"api_version": api_version, "uploads_url": job.url, "ca_bundle": job.authority}
    connection = {"conn_type": "ittybit", "host": job.url, "password": "benchmark", "extra": extra}
    os.environ["AIRFLOW_CONN_ITTYBIT_DEFAULT"] = json.dumps(connection)
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

    _import_all("airflow_provider_ittybit.uploads", "airflow_provider_ittybit.transport")
    _as_before_a_task()
    hook = IttybitHook()
    hook.settings  # noqa: B018 - finds the connection, which loads much of Airflow
    return lambda: hook.upload_media(job.path, chunking=chunking)


def _as_before_a_task() -> None:
    """Load what Airflow has loaded when a task begins: the plugins of all providers; and what notes lineage for it."""
    from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector

    get_hook_lineage_collector()


def _import_all(*packages: str) -> None:
    """Import what the provider imports only where it is used."""
    import pkgutil

    _load("requests", "tenacity")
    for name in packages:
        package = importlib.import_module(name)
        for found in pkgutil.iter_modules(package.__path__, f"{name}."):
            importlib.import_module(found.name)


def _http_operator(job: Job, **how: Any) -> Any:
    connection = {"conn_type": "http", "host": job.url}
    os.environ["AIRFLOW_CONN_SINK"] = json.dumps(connection)
    from airflow.sdk import Connection

    provider = _load(
        "airflow.providers.http.operators.http",
        "airflow.utils.operator_helpers",
        "airflow.sdk.bases.decorator",
        "netrc",
    )
    Connection.get("sink")
    options = {"verify": job.authority}
    return provider.HttpOperator(task_id="upload", http_conn_id="sink", extra_options=options, **how)


def _load(name: str, *more: str) -> Any:
    """Import a module, and others that it would import only in the measured call; return the first."""
    for other in more:
        importlib.import_module(other)
    return importlib.import_module(name)
