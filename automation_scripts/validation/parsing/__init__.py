"""From text to positioned trees, with everything that is wrong with the syntax as findings."""
