"""How fast actorqueues is, beside the bare database of the same run: ``python -m benchmarks``."""
