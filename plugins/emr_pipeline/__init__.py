"""Airflow operators, triggers and web pages for Spark steps on transient EMR clusters and for Athena."""
