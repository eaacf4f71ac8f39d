"""What is one person's own: notifications, and how far they watched."""
