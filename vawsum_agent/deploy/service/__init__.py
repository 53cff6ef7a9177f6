"""Takes this host out of its load balancers, and back to exactly where it was."""
