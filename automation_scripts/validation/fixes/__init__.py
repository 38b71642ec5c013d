"""Corrections: chosen, tried on a copy, written at once."""
