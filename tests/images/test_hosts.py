"""Which addresses pictures may come from."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy.settings import Settings

from trr_crawl import settings
from trr_crawl.errors import UserError
from trr_crawl.images.hosts import Hosts, NotAllowed, is_public, original

HOSTS = Hosts({"imdb": frozenset({"m.media-amazon.com"}), "tmdb": frozenset({"image.tmdb.org"})}, "127.0.0.1:8123")


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("imdb", "https://m.media-amazon.com/images/M/MV5B@._V1_.jpg"),
        ("imdb", "https://M.Media-Amazon.com/images/M/MV5B@._V1_.jpg"),
        ("tmdb", "https://image.tmdb.org/t/p/original/x.jpg"),
        ("tmdb", "http://127.0.0.1:8123/x.jpg"),
    ],
)
def test_a_host_of_the_source_is_allowed(source: str, url: str) -> None:
    HOSTS.check(source, url)


@pytest.mark.parametrize(
    "url",
    [
        "http://m.media-amazon.com/a.jpg",
        "https://image.tmdb.org/a.jpg",
        "https://m.media-amazon.com.evil.test/a.jpg",
        "https://m.media-amazon.com@evil.test/a.jpg",
        "https://me@m.media-amazon.com/a.jpg",
        "https://m.media-amazon.com:444/a.jpg",
        "https://m.media-amazon.com./a.jpg",
        "https://127.0.0.1:8123/a.jpg",
        "http://127.0.0.1:8124/a.jpg",
        "http://127.0.0.1/a.jpg",
        "http://127.1:8123/a.jpg",
        "http://localhost:8123/a.jpg",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:8123/a.jpg",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "ftp://m.media-amazon.com/a.jpg",
        "",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    with pytest.raises(NotAllowed):
        HOSTS.check("imdb", url)


def test_an_unknown_source_has_no_hosts() -> None:
    with pytest.raises(NotAllowed, match="is no host of wikidata's pictures"):
        HOSTS.check("wikidata", "https://image.tmdb.org/a.jpg")


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "2002:a9fe:a9fe::"),
    ],
)
def test_private_addresses_in_all_their_dresses(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_ipv4_in_ipv6_counts_as_what_it_is(address: ipaddress.IPv4Address) -> None:
    assert is_public(f"::ffff:{address}") == is_public(str(address))


def test_the_settings_name_every_source_that_has_pictures() -> None:
    hosts = Hosts.from_settings(Settings({"IMAGES_HOSTS": settings.IMAGES_HOSTS}))
    assert set(hosts.of_source) == {"imdb", "tmdb", "fandom"}
    assert hosts.private is None
    assert hosts.guards("Image.TMDb.org")
    assert not hosts.guards("www.imdb.com"), "pages may come from a proxy in the house"


@pytest.mark.parametrize("private", ["127.0.0.1", "localhost", "http://127.0.0.1"])
def test_a_private_host_is_named_with_its_port(private: str) -> None:
    with pytest.raises(UserError, match="is no host with its port"):
        Hosts.from_settings(Settings({"IMAGES_PRIVATE_HOST": private, "IMAGES_HOSTS": {}}))


def test_fandom_is_asked_for_what_was_uploaded() -> None:
    url = "https://static.wikia.nocookie.net/quay/images/a/ab/Some_File.jpg"
    assert original("fandom", url) == f"{url}?format=original"
    assert original("imdb", "https://m.media-amazon.com/a@._V1_.jpg") == "https://m.media-amazon.com/a@._V1_.jpg"
