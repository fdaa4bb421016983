"""A local AWS for development and CI: EMR, EMR Serverless and Athena that really execute, the rest over moto."""


class StartError(Exception):
    """The local AWS cannot start; the message is one sentence for the user."""


ACCOUNT = "123456789012"
"""The id of the only account, the same as in moto."""
