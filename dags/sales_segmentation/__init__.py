"""The customer segmentation pipeline: its DAG, jobs, tables, questions and report."""
