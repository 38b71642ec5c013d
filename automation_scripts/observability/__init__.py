"""What the runs leave behind for people and machines to look at: logs, and later metrics and traces."""
