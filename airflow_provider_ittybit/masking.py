"""Has Airflow hide, in logs and in the rendered template fields that it stores, what opens a signed URL."""

from __future__ import annotations

from typing import Any


class MaskedFields:
    """Base of what renders templates: operators and sensors.

    A source may be a signed URL, and Airflow keeps rendered fields in its database and shows them to all who may see
    the task. So as soon as they are rendered, Airflow's secrets masker is told the queries and passwords of the URLs in
    them. The task itself goes on with the whole URL. What a DAG file holds as it stands is not covered: Airflow shows
    the file. In Airflow 3.0 only logs are: its API server masks the fields that it stores, and is not told of a
    task's masks.
    """

    def _do_render_template_fields(self, parent: Any, template_fields: Any, *args: Any, **kwargs: Any) -> None:
        """Render as Airflow does, which calls this for each task, also for one of a mapped operator."""
        render = super()._do_render_template_fields  # type: ignore[misc] # of the operator that this is a base of
        render(parent, template_fields, *args, **kwargs)
        from airflow_provider_ittybit.uploads.signatures import secrets_in

        secrets: list[Any] = sorted(secrets_in([getattr(parent, name, None) for name in template_fields]))
        if secrets:
            from airflow.providers.common.compat.sdk import mask_secret

            mask_secret(secrets)
