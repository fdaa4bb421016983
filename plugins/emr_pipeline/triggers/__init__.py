"""Triggers that wait for a step, a cluster or a query to end."""
