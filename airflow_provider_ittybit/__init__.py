"""Apache Airflow provider for ittybit, the media-processing HTTP API."""

__version__ = "1.0.0"
