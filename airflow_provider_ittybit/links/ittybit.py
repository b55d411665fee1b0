"""Buttons of a task in the Airflow UI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator

RESULT = "return_value"
"""XCom key of a task's result."""


class _ResultLink(BaseOperatorLink):
    """Leads to an address in a task's result."""

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Find the address in the task's result.

        :param operator: the task's operator, which does not matter.
        :param ti_key: names the task instance, also one of a mapped task.
        :return: a URL; empty if the result has none, as while a task waits or after it failed.
        """
        from airflow.providers.common.compat.sdk import XCom

        del operator
        return self._address(XCom.get_value(ti_key=ti_key, key=RESULT)) or ""

    def _address(self, result: object) -> str | None:
        raise NotImplementedError


class IttybitMediaLink(_ResultLink):
    """Leads to the media that a task's result is about, or to what it made.

    The address is one that ittybit itself gave in its answer. One with a query, which may be a signature, is not shown;
    nor is there a link to the ittybit app, whose addresses are not published.
    """

    name = "ittybit media"

    def _address(self, result: object) -> str | None:
        from airflow_provider_ittybit.api.products import public_url

        return public_url(result)


class IttybitPreviewLink(_ResultLink):
    """Leads to a still or another preview of the media that a task's result is about, or of what it made.

    The address is one that ittybit itself gave in its answer, under the same conditions as that of
    :class:`IttybitMediaLink`. Only the ``media`` generation documents addresses for preview and poster; in the others
    it is the file that a user gave the ref preview, poster or thumbnail, or an image that the resource is, holds or
    made. A resource without any of these has no preview: none is made up.
    """

    name = "ittybit preview"

    def _address(self, result: object) -> str | None:
        from airflow_provider_ittybit.api.products import preview_url

        return preview_url(result)
