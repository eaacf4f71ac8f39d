"""Lists of shows and episodes, as people keep them at the sources."""
