"""Surveys: questions of every type, answers checked against them, and results that single nobody out."""
