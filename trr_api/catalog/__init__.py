"""The catalog's resources: a package for each, with its routes, queries and schemas."""
