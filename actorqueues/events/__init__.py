"""Broadcasts and the progress of messages: numbered by the lease holder, kept for a while."""
