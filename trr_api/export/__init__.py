"""The whole catalog in files."""
