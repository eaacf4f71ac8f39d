"""Tells people what the checks after runs found: by signed webhooks, in Slack's format, by mail.

What is to be told are rows (`trr_crawl.catalog.monitoring.outbox`), written with each finding. `targets` reads from the
environment who is to be told, `messages` says it in their ways, `sending` makes one attempt, `delivery` keeps at it.
"""
