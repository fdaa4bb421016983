"""Pages in Airflow's web UI: the reports of the runs, and what became of a Spark step; for the API server only."""
