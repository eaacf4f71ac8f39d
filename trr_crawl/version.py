"""The version of this code; pyproject.toml takes it from here. A node has the code from an egg, without metadata."""

VERSION = "0.1.0"
