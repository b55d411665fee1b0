"""What Airflow calls assets."""
