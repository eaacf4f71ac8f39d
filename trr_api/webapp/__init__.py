"""/app: a site to try the API, one more face of its features: every page asks the API's own routes, in this process."""
