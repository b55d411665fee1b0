"""What all operators share: the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ittybit.masking import MaskedFields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_provider_ittybit.exceptions import IttybitError, IttybitStoppedError
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook
    from airflow_provider_ittybit.operators.lineage import Lineage


_AT_WORK: WeakValueDictionary[int, IttybitHook] = WeakValueDictionary()
"""The hooks of running tasks, by the identity of the operator: an operator that kept one could not be copied."""


class IttybitOperator(MaskedFields, BaseOperator):
    """Base of the operators.

    :param ittybit_conn_id: id of the Airflow connection.
    """

    template_fields: Sequence[str] = ("ittybit_conn_id",)
    ui_color = "#fff3d6"
    lineage: Lineage | None = None
    """What this task read and made, once it did."""

    def __init__(self, *, ittybit_conn_id: str = "ittybit_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ittybit_conn_id = ittybit_conn_id

    def make_hook(self) -> IttybitHook:
        """Make a hook for this task's connection."""
        from airflow_provider_ittybit.hooks.ittybit import IttybitHook

        hook = _AT_WORK[id(self)] = IttybitHook(self.ittybit_conn_id)
        return hook

    def on_kill(self) -> None:
        """End the request that is under way, or the pause before the next.

        Airflow calls it in a signal handler, or when ``execution_timeout`` ran out; so it asks nothing of Airflow.
        """
        hook = _AT_WORK.pop(id(self), None)
        if hook is not None:
            hook.pause.stop()

    def for_xcom(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Return what of a resource may be kept in XCom: not what opens the URLs that it was made from."""
        from airflow_provider_ittybit.uploads.signatures import without_signed_inputs

        return dict(without_signed_inputs(dict(resource)))

    def note_lineage(
        self,
        hook: IttybitHook,
        made: Iterable[Mapping[str, Any]],
        change: str,
        *,
        source: object = None,
        resource: str | None = None,
    ) -> None:
        """Note what was read and made, for the outlets and for OpenLineage; it never fails.

        :param made: resources; the id alone will do.
        :param change: what happened to them: ``CREATE``, ``ALTER`` or ``DROP``.
        :param source: what was read, as the user gave it.
        :param resource: name of the collection, for ids without a known prefix.
        """
        try:
            from airflow_provider_ittybit.operators.lineage import Lineage, made_of, read_from

            self.lineage = Lineage(read_from(hook, source), made_of(hook, made, change, resource))
        except Exception as error:  # noqa: BLE001 - what was done is done, whether someone takes note of it or not
            self.log.debug("Lineage cannot be told: %s", type(error).__name__)

    def post_execute(self, context: Any, result: Any = None) -> None:
        """Tell the outlets of the task what it made; see the page on assets."""
        super().post_execute(context, result)
        if self.lineage is not None and self.outlets:
            from airflow_provider_ittybit.operators.lineage import tell_outlets

            tell_outlets(self.lineage, self.outlets, context, self.ittybit_conn_id)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Tell OpenLineage what this task read and made. Only its provider calls this, where it is installed.

        :param task_instance: does not matter.
        :return: an ``OperatorLineage`` without any key or signature.
        """
        from airflow_provider_ittybit.operators.lineage import to_openlineage

        del task_instance
        return to_openlineage(self.lineage)


def first_of(refused: Mapping[str, IttybitError], tried: int) -> IttybitError:
    """Return the first error of several ids, with all those that are left in its message.

    :param refused: the error of each id that was refused.
    :param tried: number of ids in all.
    """
    first = next(iter(refused.values()))
    if tried > 1:
        first.message = f"{len(refused)} of {tried} are left ({', '.join(refused)}): {first.message}"
    return first


def cut_short(error: IttybitStoppedError, done: int, tried: int) -> IttybitStoppedError:
    """Have the error of a killed task say how far its deletions came.

    :param error: what ended them; of a request that was under way it keeps the words.
    :param done: number of ids that are known to be deleted.
    :param tried: number of ids in all.
    """
    far = f"{done} of {tried} are deleted, {tried - done} are left, and a retry deletes those"
    error.message = f"{error.message} {far}." if error.method else f"The task was killed: {far}."
    return error
