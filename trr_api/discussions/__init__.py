"""Discussions: threads about shows, seasons and episodes, posts in trees, reactions, notifications, moderation."""
