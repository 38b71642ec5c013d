"""What a team needs around the checks: accepted findings, suppressions, only what changed, and a cache."""
