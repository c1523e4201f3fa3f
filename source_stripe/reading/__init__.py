"""Who reads what, when, and what is read: pieces, cursors, state."""
