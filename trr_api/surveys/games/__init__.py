"""Games: surveys with answer keys, scores and leaderboards."""
