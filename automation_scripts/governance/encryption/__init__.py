"""Encryption at rest (envelopes, keys, erasure, files, secret references) and in transit (TLS)."""
