"""The data files that CREATE TABLE AS, INSERT INTO and UNLOAD write."""
