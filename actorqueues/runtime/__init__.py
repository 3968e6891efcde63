"""The worker process: leasing, the journal, activations, lanes, maintenance, supervision."""
