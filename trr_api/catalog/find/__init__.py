"""Things by their ids elsewhere."""
