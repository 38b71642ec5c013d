"""Our validator and the public ones on the same files: cases, runs, and scores."""
