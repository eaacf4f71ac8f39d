"""Accounts: who somebody is, by tokens of this API or of an identity provider."""
