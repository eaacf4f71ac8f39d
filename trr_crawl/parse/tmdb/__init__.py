"""Parsers of TMDb's answers, one module a kind of answer or of a part that answers can carry."""
