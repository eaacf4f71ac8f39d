"""Conversations of two people or a group, and the messages in them."""
