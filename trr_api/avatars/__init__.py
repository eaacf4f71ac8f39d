"""Avatars: pictures that people show themselves by."""
