"""The customer segmentation pipeline: what it runs, on which tables, and what it asks them."""
