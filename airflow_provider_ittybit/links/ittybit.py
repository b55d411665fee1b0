"""Buttons of a task in the Airflow UI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator

RESULT = "return_value"
"""XCom key of a task's result."""


class IttybitMediaLink(BaseOperatorLink):
    """Leads to the media that a task's result is about, or to what it made.

    The address is one that ittybit itself gave in its answer. One with a query, which may be a signature, is not shown;
    nor is there a link to the ittybit app, whose addresses are not published.
    """

    name = "ittybit media"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Find the address in the task's result.

        :param operator: the task's operator, which does not matter.
        :param ti_key: names the task instance, also one of a mapped task.
        :return: a URL; empty if the result has none, as while a task waits or after it failed.
        """
        from airflow.providers.common.compat.sdk import XCom

        from airflow_provider_ittybit.api.products import public_url

        del operator
        return public_url(XCom.get_value(ti_key=ti_key, key=RESULT)) or ""
