"""The targets: where the steps of a run are executed. Operators know only the interface in ``target.py``."""
