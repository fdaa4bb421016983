"""Athena's API: its operations, workgroups and responses."""
