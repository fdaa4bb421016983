"""EMR on EC2: a cluster for each run, whose steps are spark-submit commands on its primary node."""
