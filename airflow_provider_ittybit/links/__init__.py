"""Where a person can look at what a task made."""
