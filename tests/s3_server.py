"""A real S3 API on a loopback port: moto's server, with a record of what was asked of it."""

from __future__ import annotations

import json
import logging
import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY_ID, SECRET = "AKIAOBJECTSTORE", "the-secret-of-the-object-store"
REGION = "us-east-1"


@dataclass(frozen=True)
class Asked:
    """One request that the server got."""

    method: str
    path: str
    query: str
    byte_range: str
    user_agent: str


@dataclass
class ObjectStore:
    """A running server, and one bucket of it. A test has a bucket of its own, so it sees no other's objects."""

    url: str
    log: list[Asked]
    bucket: str = field(default_factory=lambda: f"media-{uuid.uuid4().hex}")

    def client(self, service: str = "s3") -> Any:
        return _client(self.url, service)

    def put(self, key: str, content: bytes) -> str:
        """Store an object and return its URL, with the connection in it."""
        self.client().put_object(Bucket=self.bucket, Key=key, Body=content)
        return f"s3://aws_default@{self.bucket}/{key}"

    def read(self, key: str) -> bytes:
        return bytes(self.client().get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def asked(self, method: str, key: str = "") -> list[Asked]:
        return [one for one in self.log if one.method == method and one.path == f"/{self.bucket}/{key}"]

    def connection(self, key_id: str = KEY_ID, secret: str = SECRET, url: str | None = None) -> str:
        """Make an Airflow connection to the server, as JSON."""
        no_retries = {"retries": {"max_attempts": 0}}
        extra = {"endpoint_url": url or self.url, "region_name": REGION, "config_kwargs": no_retries}
        return json.dumps({"conn_type": "aws", "login": key_id, "password": secret, "extra": extra})

    def user(self, *actions: str) -> tuple[str, str]:
        """Make a user who may do this with the bucket and nothing else; return key id and secret."""
        iam, name = self.client("iam"), f"user-{uuid.uuid4().hex}"
        iam.create_user(UserName=name)
        resources = [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"]
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": resources}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="some", PolicyDocument=document)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return made["AccessKeyId"], made["SecretAccessKey"]

    @contextmanager
    def checking_credentials(self) -> Iterator[None]:
        """Let nobody in who has no right to; moto lets everybody in by default."""
        self._check_after("0")
        try:
            yield
        finally:
            self._check_after("inf")

    def _check_after(self, requests: str) -> None:
        headers = {"Content-Type": "text/plain"}
        with urlopen(Request(f"{self.url}/moto-api/reset-auth", requests.encode(), headers, method="POST")):  # noqa: S310 - loopback
            pass


@cache
def _client(url: str, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
    )


@contextmanager
def serving() -> Iterator[tuple[str, list[Asked]]]:
    """Run the server in a thread; give its URL and its record."""
    log: list[Asked] = []
    moto = DomainDispatcherApplication(create_backend_app)

    def recorded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        names = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_RANGE", "HTTP_USER_AGENT")
        log.append(Asked(*(environ.get(name, "") for name in names)))
        return moto(environ, start_response)

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, recorded, threaded=True)
    thread = threading.Thread(target=server.serve_forever, name="s3", daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", log
    server.shutdown()
    server.server_close()
    thread.join(5)
