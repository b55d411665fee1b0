"""One module for each generation: its routes, and how it shows what the store holds."""
