"""The emulator's own surface as OpenAPI 3.1 documents, made from the tables that also route the requests."""
