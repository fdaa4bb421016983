"""Benchmarks of the Spark jobs and of other implementations of the same work: ``make benchmark``."""
