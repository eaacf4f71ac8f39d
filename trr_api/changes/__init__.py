"""What changed, in order."""
