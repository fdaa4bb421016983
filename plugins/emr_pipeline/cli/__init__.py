"""The command line ``emr-pipeline``: one module for each command. It needs AWS credentials, but no Airflow."""
