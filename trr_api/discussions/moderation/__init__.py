"""What moderators do, and the log of it for everybody."""
