"""What editors do: overrides, identity proposals, conflicts, coverage. With an API key only."""
