"""Seasons and episodes."""
