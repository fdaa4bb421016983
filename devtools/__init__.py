"""Tools for development on one machine: ``make run``, ``make up``, sample data and local services."""
