"""How rows change: synchronous, one function a transition. The only package that writes."""
