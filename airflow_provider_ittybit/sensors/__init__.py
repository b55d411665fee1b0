"""Wait for what ittybit processes."""
