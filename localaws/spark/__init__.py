"""spark-submit as a process on this machine: its command line, its faults, its end and its logs."""
