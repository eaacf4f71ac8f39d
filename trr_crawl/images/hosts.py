"""Where pictures may come from: the hosts of each source, over https, at public addresses only.

A redirect is a request like any other, so it is checked like any other; and as only names on the list are ever asked
for, the resolver can refuse their private addresses at the moment when a connection is made.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from scrapy.exceptions import IgnoreRequest
from scrapy.resolver import CachingThreadedResolver
from twisted.internet.error import DNSLookupError
from w3lib.url import add_or_replace_parameter

from trr_crawl.errors import UserError

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Request
    from scrapy.settings import BaseSettings
    from twisted.internet.base import ReactorBase
    from twisted.internet.defer import Deferred


logger = logging.getLogger(__name__)


class NotAllowed(IgnoreRequest):
    """A picture's address is not one that its source may give."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """The hosts of every source."""

    of_source: Mapping[str, frozenset[str]]
    private: str | None = None
    """One host with its port, such as 127.0.0.1:8080, that is allowed whatever its address, and without TLS."""

    @classmethod
    def from_settings(cls, settings: BaseSettings) -> Self:
        """IMAGES_HOSTS and IMAGES_PRIVATE_HOST; UserError for what cannot be a host."""
        private = settings.get("IMAGES_PRIVATE_HOST") or None
        if private is not None and urlsplit(f"//{private}").port is None:
            raise UserError(f"IMAGES_PRIVATE_HOST={private} is no host with its port, such as 127.0.0.1:8080.")
        listed = settings.getdict("IMAGES_HOSTS")
        return cls({source: frozenset(host.lower() for host in hosts) for source, hosts in listed.items()}, private)

    def check(self, source: str, url: str) -> None:
        """Raise NotAllowed unless a picture of a source may be got from an address."""
        parts = urlsplit(url)
        if self.private is not None and parts.scheme == "http" and parts.netloc == self.private:
            return
        if parts.scheme != "https":
            raise NotAllowed(f"{url} is not https")
        # A port or a user name is part of no address that a source gives.
        if parts.netloc.lower() not in self.of_source.get(source, ()):
            raise NotAllowed(f"{parts.netloc or url} is no host of {source}'s pictures")

    def guards(self, name: str) -> bool:
        """Whether a name must lead to public addresses."""
        return any(name.lower() in hosts for hosts in self.of_source.values())


def original(source: str, url: str) -> str:
    """The address at which a source serves a picture as it was uploaded: Fandom's sends WebP to whoever takes it."""
    return add_or_replace_parameter(url, "format", "original") if source == "fandom" else url


def is_public(address: str) -> bool:
    """Whether an IP address is one that the whole internet can reach; IPv4 within IPv6 counts as what it is."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        inner = [parsed.ipv4_mapped, parsed.sixtofour, *(parsed.teredo or ())]
        if not all(is_public(str(one)) for one in inner if one is not None):
            return False
        if parsed.ipv4_mapped is not None:
            return True
    return parsed.is_global and not parsed.is_multicast


class ImageGuard:
    """Downloader middleware: refuses a picture's address, or a redirect, that leads away from its source's hosts.

    It stands before everything else, so that not even the robots.txt of a strange host is asked for.
    """

    def __init__(self, hosts: Hosts) -> None:
        self.hosts = hosts

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(Hosts.from_settings(crawler.settings))

    def process_request(self, request: Request) -> None:
        source = request.meta.get("image_of")
        if source is not None:
            self.hosts.check(source, request.url)


class Resolver(CachingThreadedResolver):
    """Scrapy's resolver, which leads the hosts of pictures to no private address."""

    def __init__(self, reactor: ReactorBase, cache_size: int, timeout: float, hosts: Hosts) -> None:
        super().__init__(reactor, cache_size, timeout)
        self.hosts = hosts

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> Self:
        settings = crawler.settings
        size = settings.getint("DNSCACHE_SIZE") if settings.getbool("DNSCACHE_ENABLED") else 0
        return cls(reactor, size, settings.getfloat("DNS_TIMEOUT"), Hosts.from_settings(settings))

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:  # noqa: N802 - Twisted's name
        found = super().getHostByName(name, timeout)
        return found.addCallback(self._checked, name) if self.hosts.guards(name) else found

    @staticmethod
    def _checked(address: str, name: str) -> str:
        if not is_public(address):
            # Twisted hands on that there is no address, and not why.
            logger.warning("Not connecting: %s leads to %s, which is no public address.", name, address)
            raise DNSLookupError(f"{name} leads to no public address")
        return address
