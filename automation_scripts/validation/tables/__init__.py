"""The tree as a table, and Great Expectations over it."""
