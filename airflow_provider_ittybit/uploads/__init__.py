"""Bytes on their way to ittybit: where they come from, which protocol fits, and how they are streamed."""
