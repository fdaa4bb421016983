"""The tables: the Glue catalog, and the files that scans read."""
