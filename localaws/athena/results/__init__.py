"""Results: columns, the text of values, and the files on S3."""
