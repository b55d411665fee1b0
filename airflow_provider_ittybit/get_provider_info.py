"""What Airflow discovers of this package: a plain dict, imported in every Airflow process."""

from __future__ import annotations

from typing import Any

from airflow_provider_ittybit import __version__

PACKAGE = "airflow_provider_ittybit"
TEXT = ["string", "null"]


def get_provider_info() -> dict[str, Any]:
    """Describe the provider as Airflow's ``provider_info.schema.json`` asks for."""
    return {
        "package-name": "airflow-provider-ittybit",
        "name": "ittybit",
        "description": "Upload, process, wait for, list and delete media with ittybit.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": "ittybit",
                "external-doc-url": "https://ittybit.com/docs",
                "logo": f"{PACKAGE}/logo.svg",
                "tags": ["service"],
            }
        ],
        "operators": _modules("operators", "media", "task"),
        "sensors": _modules("sensors", "media", "task"),
        "hooks": _modules("hooks", "ittybit"),
        "triggers": _modules("triggers", "processing", "watcher"),
        "extra-links": [f"{PACKAGE}.links.ittybit.{name}" for name in ("IttybitMediaLink", "IttybitPreviewLink")],
        "asset-uris": _asset_uris(),
        "dataset-uris": _asset_uris(),  # their name in Airflow 2
        "connection-types": [
            {
                "connection-type": "ittybit",
                "hook-class-name": f"{PACKAGE}.hooks.ittybit.IttybitHook",
                "hook-name": "ittybit",
                "ui-field-behaviour": {
                    "hidden-fields": ["login", "schema", "port"],
                    "relabeling": {"password": "API key", "host": "API base URL"},
                    "placeholders": {
                        "password": "ittybit_…",
                        "host": "https://api.ittybit.com",
                        "extra": '{"proxies": {"https": "http://proxy.example:3128"}}',
                        "api_version": "2025-08-20",
                        "version_header": "Accept-Version",
                        "uploads_url": "https://uploads.ittybit.com",
                        "delivery_domain": "https://project.ittybit.net",
                        "timeout": "60",
                        "max_retries": "4",
                        "ca_bundle": "/etc/ssl/certs/ca-certificates.crt",
                    },
                },
                "conn-fields": _connection_fields(),
            }
        ],
        "config": {
            "ittybit": {
                "description": "How the triggerer waits for ittybit.",
                "options": {
                    "shared_poller": {
                        "description": "Whether all tasks that wait in a triggerer over the same connection share one "
                        "poller, which asks for many with one request. If not, each asks for itself.",
                        "version_added": "1.0.0",
                        "type": "boolean",
                        "example": "False",
                        "default": "True",
                    },
                    "poller_concurrency": {
                        "description": "How many requests for single resources a shared poller has under way at once.",
                        "version_added": "1.0.0",
                        "type": "integer",
                        "example": "32",
                        "default": "16",
                    },
                },
            }
        },
    }


def _asset_uris() -> list[dict[str, Any]]:
    return [
        {
            "schemes": ["ittybit"],
            "handler": f"{PACKAGE}.assets.ittybit.sanitize_uri",
            "factory": f"{PACKAGE}.assets.ittybit.create_asset",
            "to_openlineage_converter": f"{PACKAGE}.assets.ittybit.convert_asset_to_openlineage",
        }
    ]


def _modules(folder: str, *names: str) -> list[dict[str, Any]]:
    return [{"integration-name": "ittybit", "python-modules": [f"{PACKAGE}.{folder}.{name}" for name in names]}]


def _connection_fields() -> dict[str, Any]:
    """Describe the extras of a connection, all but ``proxies``, which is an object and stays in the extra's JSON.

    Only ``verify`` has a default: what a form fills in is stored, and would pin what this package may change later.
    """
    return {
        "api_version": {
            "label": "API version",
            "description": "A version date, the name of an API generation, or latest; 2025-08-20 if empty.",
            "schema": {
                "type": TEXT,
                "examples": ["2025-08-20", "latest", "media", "files-enveloped", "files-flat", "tasks", "jobs"],
            },
        },
        "version_header": {
            "label": "Version header",
            "description": "Name of the version header, or Name: value, or none; that of the generation if empty.",
            "schema": {"type": TEXT},
        },
        "uploads_url": {
            "label": "Uploads host",
            "description": "Base URL of the uploads host (generation media).",
            "schema": {"type": TEXT},
        },
        "delivery_domain": {
            "label": "Delivery domain",
            "description": "The project's own domain, for uploads straight to it.",
            "schema": {"type": TEXT},
        },
        "timeout": {
            "label": "Timeout (s)",
            "description": "Seconds to connect, and to wait for each read; 60 if empty.",
            "schema": {"type": ["integer", "null"], "minimum": 1, "maximum": 3600},
        },
        "max_retries": {
            "label": "Repetitions of a request",
            "description": "How often a request is sent again within one try of a task; 4 if empty.",
            "schema": {"type": ["integer", "null"], "minimum": 0, "maximum": 100},
        },
        "verify": {
            "label": "Check TLS certificates",
            "description": "Off only for tests.",
            "schema": {"type": ["boolean", "null"], "default": True},
        },
        "ca_bundle": {
            "label": "CA bundle",
            "description": "Path of a file with your own certificate authorities.",
            "schema": {"type": TEXT},
        },
    }
