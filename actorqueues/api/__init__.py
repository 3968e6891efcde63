"""Actors over HTTP, with Django REST framework: the project's users, permissions, throttles and URLs."""
