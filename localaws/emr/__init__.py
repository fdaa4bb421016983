"""EMR on EC2: clusters without nodes, whose steps are commands on this machine."""
