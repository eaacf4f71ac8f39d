"""Pictures: where they may come from, what is accepted as one, and where they are kept."""
