"""A small AWS for laptops and CI: moto's S3, Glue, STS and IAM, an EMR and an Athena that really execute."""


class StartError(Exception):
    """The local AWS cannot start; the text is one sentence for the user."""
