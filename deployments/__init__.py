"""What runs when: the deployments, schedules and blocks that `automation deploy` registers with Prefect."""
