"""Faults under load, each described once: short in the test suite, long by ``python -m tests.faults``."""
