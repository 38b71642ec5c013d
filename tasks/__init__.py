"""The Prefect tasks, one module a category: retries, tags and progress around one domain call each."""
