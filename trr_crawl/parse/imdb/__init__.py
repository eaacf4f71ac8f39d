"""Parsers for IMDb's pages and GraphQL answers."""
