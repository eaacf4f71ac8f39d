"""Crawl stats, for analysts: what ran, what is late or blocked, what the catalog is worth. As JSON and as pages."""
