"""What would spoil something, and is not shown unasked."""
