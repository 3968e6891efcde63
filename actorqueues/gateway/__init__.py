"""Speaks with Rivet's own client over HTTP and WebSocket: the npm package ``rivetkit``, ``encoding: "json"``."""
