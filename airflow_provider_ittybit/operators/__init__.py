"""What a DAG author can do with ittybit."""
