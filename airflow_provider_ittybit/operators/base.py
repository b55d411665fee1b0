"""What all operators share: the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ittybit.masking import MaskedFields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ittybit.hooks.ittybit import IttybitHook


class IttybitOperator(MaskedFields, BaseOperator):
    """Base of the operators.

    :param ittybit_conn_id: id of the Airflow connection.
    """

    template_fields: Sequence[str] = ("ittybit_conn_id",)
    ui_color = "#fff3d6"

    def __init__(self, *, ittybit_conn_id: str = "ittybit_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ittybit_conn_id = ittybit_conn_id

    def make_hook(self) -> IttybitHook:
        """Make a hook for this task's connection."""
        from airflow_provider_ittybit.hooks.ittybit import IttybitHook

        return IttybitHook(self.ittybit_conn_id)
