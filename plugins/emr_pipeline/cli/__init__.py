"""The command line ``emr-pipeline``: one module for each command. No module of it imports Airflow."""
