"""Who worked on shows, seasons and episodes."""
