"""The same configuration for several environments, compared."""
