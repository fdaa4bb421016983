"""EMR Serverless: applications, whose job runs are spark-submit processes on this machine."""
