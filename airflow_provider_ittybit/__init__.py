"""Apache Airflow provider for ittybit, the media-processing HTTP API."""

__version__ = "0.1.0"
