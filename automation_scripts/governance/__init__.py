"""Who may do what, proved; and what was done, provably."""
