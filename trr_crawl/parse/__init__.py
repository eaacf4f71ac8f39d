"""One page or answer in, items out. Pure: no network, no files, nothing of Scrapy but its response classes."""
