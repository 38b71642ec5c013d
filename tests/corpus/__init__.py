"""Real configuration files of many projects, seeded mistakes in them, and what the validator makes of both."""
