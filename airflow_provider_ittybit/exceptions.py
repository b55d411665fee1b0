"""Everything that can go wrong, as one tree under :class:`IttybitError`.

An error that no retry can heal also derives from ``AirflowFailException``, so Airflow fails the task at
once instead of spending its retries. Nothing in here ever holds an API key or the query of a signed URL.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
)


class IttybitError(AirflowException):
    """Something between Airflow and ittybit went wrong.

    :param message: what happened, to which id, and what to do next.
    :param status: HTTP status of ittybit's answer, ``None`` if there was none.
    :param detail: ittybit's own words, up to 2,000 characters, without the users and the queries of URLs in them.
    :param kind: ittybit's error kind (``token_invalid``, …), where its API generation sends one.
    :param request_id: ittybit's id of the request, which its support asks for.
    :param method: HTTP method of the request.
    :param path: path of the request, without its query.
    :param resource_id: id of the file, media, task, run or job concerned.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        detail: str | None = None,
        kind: str | None = None,
        request_id: str | None = None,
        method: str | None = None,
        path: str | None = None,
        resource_id: str | None = None,
        **more: Any,
    ) -> None:
        message = message.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair breaks logs
        super().__init__(message)
        self.message = message
        self.status = status
        self.detail = detail
        self.kind = kind
        self.request_id = request_id
        self.method = method
        self.path = path
        self.resource_id = resource_id
        self.__dict__.update(more)

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep every field when the error crosses a process."""
        return (_rebuild, (type(self), self.__dict__.copy()))

    def __str__(self) -> str:
        return self.message

    @property
    def is_final(self) -> bool:
        """Whether no retry can heal it, so that Airflow fails the task at once."""
        return isinstance(self, AirflowFailException | AirflowSensorTimeout)

    def to_json(self) -> dict[str, Any]:
        """Write it down for the way from the triggerer to the worker; ``from_json`` makes it again."""
        plain = {name: value for name, value in self.__dict__.items() if isinstance(value, str | int | float)}
        return {"class": type(self).__name__, **plain}

    @staticmethod
    def from_json(fields: Any) -> IttybitError:
        """Make an error again from what ``to_json`` wrote; an unknown class becomes ``IttybitError``."""
        given = dict(fields) if isinstance(fields, dict) else {}
        found = globals().get(str(given.pop("class", "")))
        kind = found if isinstance(found, type) and issubclass(found, IttybitError) else IttybitError
        message, taken = str(given.pop("message", "")), {"self", *dir(IttybitError)}
        return kind(message, **{str(name): value for name, value in given.items() if str(name) not in taken})


def _rebuild(cls: type[IttybitError], fields: dict[str, Any]) -> IttybitError:
    return cls(**fields)


def surely_not_done(error: IttybitError) -> bool:
    """Tell whether an error means that ittybit did not act on a request, so that another makes nothing twice."""
    if isinstance(error, IttybitTransportError):
        return not error.may_have_arrived
    return isinstance(error, IttybitSourceNotFoundError | IttybitRateLimitError | AirflowFailException)


class IttybitConfigurationError(IttybitError, AirflowFailException):
    """The connection lacks something or holds something that cannot be used."""


class IttybitInputError(IttybitError, AirflowFailException, ValueError):
    """A value that was given can never work: it is refused before any request."""


class IttybitUnsupportedError(IttybitError, AirflowFailException):
    """The pinned API generation cannot do this: it is refused before any request."""


class IttybitSourceError(IttybitError, AirflowFailException):
    """What should be uploaded cannot be: a directory, an empty file, something that is no path or URL."""


class IttybitSourceNotFoundError(IttybitError, FileNotFoundError):
    """What should be uploaded is not there; a retry may find it."""


class IttybitAuthenticationError(IttybitError, AirflowFailException):
    """401: the API key is missing or wrong."""


class IttybitPaymentError(IttybitError, AirflowFailException):
    """402: the account has a billing problem or used up its quota."""


class IttybitPermissionError(IttybitError, AirflowFailException):
    """403: the API key may not do this."""


class IttybitNotFoundError(IttybitError, AirflowFailException):
    """404: there is nothing with this id, or not any more."""


class IttybitInvalidRequestError(IttybitError, AirflowFailException):
    """400, 405, 413, 422 and other 4xx but 408: ittybit cannot use the request as it is."""


class IttybitRateLimitError(IttybitError):
    """429, after all attempts of this try.

    ``retry_after`` is the number of seconds ittybit asked to wait, counted by its own clock; ``None`` if it did not
    say.
    """

    retry_after: float | None = None


class IttybitServerError(IttybitError):
    """408 and 5xx, after all attempts of this try."""


class IttybitTransportError(IttybitError):
    """No answer came: no connection, a broken one, or a timeout.

    ``may_have_arrived`` is true when ittybit may have acted on the request all the same.
    """

    may_have_arrived: bool = True


class IttybitUnreadableAnswerError(IttybitError):
    """An answer came that no generation of the API would send."""


class IttybitProcessingFailedError(IttybitError, AirflowFailException):
    """ittybit could not process the media, or the processing was cancelled."""


class IttybitProcessingTimeoutError(IttybitError, AirflowSensorTimeout):
    """The processing did not end in time; it may still go on at ittybit.

    It is an ``AirflowSensorTimeout``, so a sensor's ``soft_fail`` applies, and no retry follows: the time
    allowed counts from the first submission, and a new try would only begin with no time left.
    """


class IttybitStoppedError(IttybitError):
    """The task was killed while it waited. Processing goes on at ittybit, and a retry waits for it again."""


class IttybitTriggerEventError(IttybitError):
    """The triggerer handed the task an event that is not one of ours."""


class IttybitPollerError(IttybitError):
    """What waits in the triggerer for many tasks at once broke; a retry of the task waits again."""


class IttybitUploadsFailedError(IttybitError):
    """Of several uploads of one task, some failed; the others are kept. The message says what a retry sends.

    ``failed`` holds the reason by source, ``uploaded`` the ids that ittybit gave to the others.
    """

    failed: dict[str, str]
    uploaded: list[str]


class IttybitUploadsRefusedError(IttybitUploadsFailedError, AirflowFailException):
    """Of several uploads of one task, some failed in a way that no retry can heal."""
