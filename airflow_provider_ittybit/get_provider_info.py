"""What Airflow discovers of this package: a plain dict, imported in every Airflow process."""

from __future__ import annotations

from typing import Any

from airflow_provider_ittybit import __version__


def get_provider_info() -> dict[str, Any]:
    """Describe the provider as Airflow's ``provider_info.schema.json`` asks for."""
    package = "airflow_provider_ittybit"
    return {
        "package-name": "airflow-provider-ittybit",
        "name": "ittybit",
        "description": "Upload, process, wait for, list and delete media with ittybit.",
        "versions": [__version__],
        "integrations": [
            {"integration-name": "ittybit", "external-doc-url": "https://ittybit.com/docs", "tags": ["service"]}
        ],
        "operators": [{"integration-name": "ittybit", "python-modules": [f"{package}.operators.media"]}],
        "sensors": [{"integration-name": "ittybit", "python-modules": [f"{package}.sensors.media"]}],
        "hooks": [{"integration-name": "ittybit", "python-modules": [f"{package}.hooks.ittybit"]}],
        "triggers": [{"integration-name": "ittybit", "python-modules": [f"{package}.triggers.processing"]}],
        "connection-types": [
            {
                "connection-type": "ittybit",
                "hook-class-name": f"{package}.hooks.ittybit.IttybitHook",
                "hook-name": "ittybit",
                "ui-field-behaviour": {
                    "hidden-fields": ["login", "schema", "port"],
                    "relabeling": {"password": "API key", "host": "API base URL"},
                    "placeholders": {
                        "password": "ittybit_…",
                        "host": "https://api.ittybit.com",
                        "extra": '{"api_version": "2025-08-20"}',
                    },
                },
            }
        ],
        "config": {
            "ittybit": {
                "description": "How the triggerer waits for ittybit.",
                "options": {
                    "shared_poller": {
                        "description": "Whether all tasks that wait in a triggerer over the same connection share one "
                        "poller, which asks for many with one request. If not, each asks for itself.",
                        "version_added": "0.1.0",
                        "type": "boolean",
                        "example": "False",
                        "default": "True",
                    },
                    "poller_concurrency": {
                        "description": "How many requests for single resources a shared poller has under way at once.",
                        "version_added": "0.1.0",
                        "type": "integer",
                        "example": "32",
                        "default": "16",
                    },
                },
            }
        },
    }
