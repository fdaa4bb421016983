"""How fast the jobs are, beside other ways to the same results: ``make benchmark``."""
