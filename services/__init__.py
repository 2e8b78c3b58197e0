"""Services that take part in sessions as nodes of their own."""
