"""The shared code of the Spark jobs; spark-submit gets it as ``--py-files``."""
