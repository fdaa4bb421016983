"""S3: the operations of moto, with the objects as plain files."""
