"""Whether the process lives, whether it can serve, and its numbers."""
