"""Carries calls to ittybit and brings back what they read: ``requests`` for workers, ``aiohttp`` for the triggerer."""
