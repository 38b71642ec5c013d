"""The Prefect flows, one module a category. Each is a governed flow: see `flows.governed`."""
