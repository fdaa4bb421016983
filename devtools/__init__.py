"""What a laptop needs to run the pipeline by itself: sample data, local services, one command."""
