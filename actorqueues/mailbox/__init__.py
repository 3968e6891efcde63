"""The receiver's side: reading a mailbox in order, and what becomes of a message that was received."""
