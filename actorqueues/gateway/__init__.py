"""Speaks HTTP with Rivet's own client: the npm package ``rivetkit`` with ``encoding: "json"``."""
