"""The supported functions of Trino."""
