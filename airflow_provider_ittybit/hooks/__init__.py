"""Connects Airflow to ittybit."""
