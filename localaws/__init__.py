"""A local AWS for development and CI: S3, Glue, STS and IAM over moto, and an EMR and Athena that really execute."""


class StartError(Exception):
    """The local AWS cannot start; the message is one sentence for the user."""


ACCOUNT = "123456789012"
"""The id of the only account, the same as in moto."""
