"""The API that serves the catalog and the social features around it. Starts without Scrapy."""
