"""The ittybit API as values: what is sent and what an answer means, without I/O, clock, Airflow or HTTP."""
