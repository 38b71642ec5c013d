"""The embedded Prefect server: started once, found again, checked and stopped; and the warm runner beside it."""
