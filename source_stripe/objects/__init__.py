"""What becomes of rows and changes: events, records, children, whole lists."""
