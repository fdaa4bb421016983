"""The fixtures that run the whole pipeline."""

from tests.e2e.conftest import pipeline, state

__all__ = ["pipeline", "state"]
