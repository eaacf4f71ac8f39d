"""Networks, companies, and providers."""
