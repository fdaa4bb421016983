"""EMR Serverless: an application for each run, whose steps are job runs."""
