"""The sender's side: handles, and waiting for a reply."""
