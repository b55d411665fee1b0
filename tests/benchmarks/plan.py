"""What is compared with what, as rows."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024
MB = 1_000_000
GIB = 1024 * MIB
RATE = 20 * MB


@dataclass(frozen=True, slots=True)
class Entry:
    """One contender of an experiment.

    :param contender: its name in ``contenders``.
    :param label: what the table calls it.
    :param over: the contender whose time its own is divided by.
    :param peer: whether it needs a package that the provider does not.
    """

    contender: str
    label: str
    over: str | None = None
    peer: bool = False


@dataclass(frozen=True, slots=True)
class Experiment:
    """Contenders that send the same file to the same server, in turns.

    :param name: its name in the JSON, with the scheme.
    :param title: what the table calls it.
    :param server: name of the address they send to.
    :param size: bytes of the file.
    :param entries: the contenders.
    :param sparse: whether the file takes no space.
    :param warm_up: whether a round comes before those that count.
    :param times: how many times as many rounds as elsewhere, where little is to be told apart.
    :param note: what the table says below.
    """

    name: str
    title: str
    server: str
    size: int
    entries: tuple[Entry, ...]
    sparse: bool = False
    warm_up: bool = True
    times: int = 1
    note: str = ""

    @property
    def scheme(self) -> str:
        """How the server is spoken to."""
        return self.server.partition("-")[0]


OURS = (
    Entry("ittybit-multipart", "ittybit, multipart", "curl-form"),
    Entry("ittybit-put", "ittybit, whole PUT", "curl-put"),
)
CURL = (Entry("curl-form", "curl -F", "curl-form"), Entry("curl-put", "curl -T", "curl-put"))
PEERS = (
    Entry("requests-files", "requests, files=", "curl-form"),
    Entry("requests-toolbelt", "requests-toolbelt, MultipartEncoder", "curl-form", peer=True),
    Entry("httpx-files", "httpx, files=", "curl-form"),
    Entry("http-operator-files", "HttpOperator, files=", "curl-form", peer=True),
    Entry("requests-data", "requests, data=open file", "curl-put"),
    Entry("http-operator-data", "HttpOperator, data=open file", "curl-put", peer=True),
)
WAYS = (
    Entry("ittybit-multipart", "multipart"),
    Entry("ittybit-put", "whole PUT"),
    Entry("ittybit-chunked", "chunked, 4 at a time"),
)
LIMITED = (
    Entry("ittybit-put", "one stream", "ittybit-put"),
    Entry("ittybit-chunked", "chunked, 4 at a time", "ittybit-put"),
)
STORE = (Entry("boto3-upload-file", "boto3, upload_file", peer=True),)
STORE_NOTE = (
    "For orientation only: another protocol, to another server (moto's, in Python), which sets the pace; and a smaller "
    "file, because that server is slow."
)


def full() -> list[Experiment]:
    """All experiments."""
    experiments: list[Experiment] = []
    for scheme in ("http", "https"):
        experiments += [
            Experiment("fast", f"1 GiB to a fast server, {scheme}", scheme, GIB, (*OURS, *CURL), times=3),
            Experiment("peers", f"1 GiB by other libraries, {scheme}", scheme, GIB, (*OURS, *CURL, *PEERS)),
        ]
    for scheme in ("http", "https"):
        title = f"200 MB at 20 MB/s for each connection, {scheme}"
        experiments.append(Experiment("limited", title, f"{scheme}-limited", 200 * MB, LIMITED))
    for scheme in ("http", "https"):
        for size, words in ((100 * MIB, "100 MiB"), (GIB, "1 GiB"), (4 * GIB, "4 GiB")):
            title = f"Memory for {words}, {scheme}"
            experiments.append(Experiment("memory", title, scheme, size, WAYS, sparse=True, warm_up=False))
    experiments.append(
        Experiment("object-store", "256 MiB to an object store, http", "s3", 256 * MIB, STORE, note=STORE_NOTE)
    )
    return experiments


def quick() -> list[Experiment]:
    """A small look that needs no other package: whether all works, not how fast it is."""
    entries = (*OURS, Entry("ittybit-chunked", "ittybit, chunked", "curl-put"), *CURL)
    return [
        Experiment("quick", f"64 MiB to a fast server, {scheme}", scheme, 64 * MIB, entries, warm_up=False)
        for scheme in ("http", "https")
    ]
