"""Seeded mistakes: each a pure function of a text that knows its structure, and nothing of the validator."""
