"""Operators that mean "make it so": each may run twice and finds what an earlier try left."""
