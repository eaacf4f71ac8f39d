"""Privacy: what somebody agreed to, all that is kept of them, and its end."""
