"""From a folder to the text of its files: what is configuration, and reading it safely."""
