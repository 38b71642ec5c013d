"""Databases that several parts of the library keep: connections, schemas, values, and what went wrong in words."""
