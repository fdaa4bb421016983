"""The pipeline ``sales_segmentation`` as state machines of AWS Step Functions, made from the code of the DAG."""
