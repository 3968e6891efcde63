"""Actors over WebSockets, with Channels."""
