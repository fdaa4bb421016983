"""What the Spark jobs share: shipped beside them as the ``--py-files`` package."""
