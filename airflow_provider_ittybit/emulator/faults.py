"""Failures on demand: what a request that matches is to suffer instead of, or besides, its proper answer."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.emulator.faultfields import checked

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One failure on demand.

    :param match: ``role`` (api, uploads, delivery), ``method`` and ``path`` (a regular expression found anywhere
        in the path); what is absent matches everything.
    :param times: how many requests suffer it; default 1, and 0 means until it is removed.
    :param after: how many matching requests pass first; default 0.
    :param status: answer this status code (200 to 599) in the generation's own shape, with ``retry_after``
        (seconds, or a date as text), ``message``, ``headers``, or ``body`` instead of the error body: text as it is,
        or an object or array as JSON. What each field takes stands in ``faultfields``.
    :param delay: seconds to wait before the request is carried out.
    :param answer_delay: seconds for which the answer is held back after the request was carried out; a client that
        closes the connection ends the wait.
    :param drop: close the connection without an answer: ``before`` the request is carried out, or ``after``.
    :param fail_processing: the next resource that a matching request makes fails with this message.
    """

    match: dict[str, str] = field(default_factory=dict)
    times: int = 1
    after: int = 0
    status: int | None = None
    delay: float | None = None
    answer_delay: float | None = None
    drop: str | None = None
    fail_processing: str | None = None
    retry_after: float | str | None = None
    message: str | None = None
    body: str | dict[str, Any] | list[Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Fault:
        """Read a fault from the control endpoint; null counts as absent.

        :raises InvalidFaultError: it cannot be; the message names the field and what it takes.
        """
        return cls(**checked(document))

    def content(self) -> tuple[str, str]:
        """Return the body to send instead of the error body, and its media type unless ``headers`` has one."""
        if not isinstance(self.body, str):
            return json.dumps(self.body), "application/json"
        try:
            json.loads(self.body)
        except (ValueError, RecursionError):
            return self.body, "text/plain"
        return self.body, "application/json"

    def matches(self, role: str, method: str, path: str) -> bool:
        """Tell whether a request is one that this fault is about."""
        return (
            self.match.get("role", role) == role
            and self.match.get("method", method).upper() == method.upper()
            and re.search(self.match.get("path", ""), path) is not None
        )


class Faults:
    """The faults that are set, in the order in which they were."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Set a fault."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def to_json(self) -> list[dict[str, Any]]:
        """Return the faults that are still to come."""
        with self._lock:
            return [
                {name: value for name, value in asdict(fault).items() if value not in (None, {})}
                for fault in self._faults
            ]

    def take(self, role: str, method: str, path: str) -> Fault | None:
        """Return what this request suffers, if anything, and count it."""
        return self._take(role, method, path, processing=False)

    def take_processing(self, role: str, method: str, path: str) -> str | None:
        """Return the message with which the resource made by this request fails, if any, and count it."""
        fault = self._take(role, method, path, processing=True)
        return fault.fail_processing if fault else None

    def _take(self, role: str, method: str, path: str, *, processing: bool) -> Fault | None:
        with self._lock:
            for place, fault in enumerate(self._faults):
                if (fault.fail_processing is not None) is not processing:
                    continue
                if not fault.matches(role, method, path):
                    continue
                if fault.after:
                    self._faults[place] = replace(fault, after=fault.after - 1)
                    continue
                if fault.times == 1:
                    del self._faults[place]
                elif fault.times:
                    self._faults[place] = replace(fault, times=fault.times - 1)
                return fault
        return None
