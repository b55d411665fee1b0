"""Real media work with PyAV: read what is true of a file, and make new files from it."""
