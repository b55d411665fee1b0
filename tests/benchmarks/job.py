"""What a benchmark asks of one fresh process, and what that process says afterwards."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Job:
    """One upload by one contender.

    :param contender: its name in ``contenders``.
    :param path: the file.
    :param url: address of the server, without a path.
    :param authority: file with the certificate to trust.
    """

    contender: str
    path: str
    url: str
    authority: str

    def dump(self) -> str:
        """Write it as JSON."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one process measured.

    :param seconds: wall time of the upload call.
    :param cpu: seconds of CPU in it, of all threads.
    :param before: resident bytes before it, all imported.
    :param peak: most resident bytes during it.
    :param late: modules that were imported in it all the same.
    """

    seconds: float
    cpu: float
    before: int
    peak: int
    late: list[str] = field(default_factory=list)

    @property
    def grown(self) -> int:
        """Bytes by which the upload made the process grow at most."""
        return self.peak - self.before

    def dump(self) -> str:
        """Write it as JSON."""
        return json.dumps(asdict(self))
