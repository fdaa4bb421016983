"""Pages in Airflow's web UI: the reports of runs, and the state and logs of steps. Only the API server imports this."""
