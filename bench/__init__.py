"""Measures the crawl and the store beside what they stand on; run it as `python -m bench`."""
