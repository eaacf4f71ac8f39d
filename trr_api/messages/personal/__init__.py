"""What is one person's own about messages: what is unread, who may write, who is blocked."""
