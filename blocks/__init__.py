"""Prefect blocks that people fill in in the UI; `automation deploy` registers them."""
