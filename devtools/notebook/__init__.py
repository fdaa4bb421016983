"""The notebook of ``notebooks/``, executed and rendered."""
