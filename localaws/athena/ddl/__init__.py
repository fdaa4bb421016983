"""DDL statements: their parser, and their executor on the Glue catalog."""
