"""Renders pages: HTML that is escaped, with headers that let it load nothing but this server's own files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import FastAPI
from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from trr_api.pages import static, words
from trr_api.problems import Problem

HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "private, no-cache",
    "vary": "cookie",
}
"""Of every page: no inline script or style runs, so that text of a source that got through as HTML could do nothing."""

THEMES: Final = ("auto", "light", "dark")
THEME_COOKIE: Final = "theme"
_THEME_PATH: Final = "/pages/theme"
_YEAR: Final = 365 * 24 * 3600
LARGEST_FORM: Final = 10_000


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the navigation."""

    address: str
    label: str


class Pages:
    """The pages of a feature: its folder `templates/`, whose files extend `pages/base.html`.

    Templates of the feature are named with it in front: `crawls/overview.html`.
    """

    def __init__(
        self,
        feature: str,
        *,
        home: Link,
        navigation: Sequence[Link],
        filters: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        loaders = {name: PackageLoader(f"trr_api.{name}") for name in ("pages", feature)}
        self.environment = Environment(
            loader=PrefixLoader(loaders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters.update(
            span=words.span, minute=words.minute, number=words.number, percent=words.percent, size=words.size
        )
        self.environment.filters.update(filters or {})
        self.environment.globals.update(
            home=home, navigation=list(navigation), static=static.address, themes=THEMES, theme_path=_THEME_PATH
        )

    def answer(
        self, request: Request, template: str, *, status: int = 200, address: str | None = None, **context: Any
    ) -> Response:
        """A page. The template also knows `request`, `now`, `ago`, `theme`, `here` (its address) and `with_query`.

        `address` is the page's, where it answers a form that was sent to another one.
        """
        now = datetime.now(UTC)
        own = here(request) if address is None else address
        html = self.environment.get_template(template).render(
            request=request,
            now=now,
            ago=lambda then: words.ago(then, now),
            theme=theme_of(request),
            here=own,
            with_query=lambda **values: with_query(own, **values),
            **context,
        )
        return HTMLResponse(html, status, dict(HEADERS))


def here(request: Request) -> str:
    """The path and query of a request."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def with_query(address: str, **values: Any) -> str:
    """An address of a page with other values in its query; those that are None are left out."""
    place = urlsplit(address)
    query = {name: value for name, value in {**query_of(address), **values}.items() if value is not None}
    return place.path + (f"?{urlencode(query)}" if query else "")


def query_of(address: str) -> dict[str, str]:
    """What an address asks."""
    return dict(parse_qsl(urlsplit(address).query))


def theme_of(request: Request) -> Literal["auto", "light", "dark"]:
    """What the reader chose; `auto` follows the system."""
    chosen = request.cookies.get(THEME_COOKIE)
    return chosen if chosen in ("light", "dark") else "auto"  # type: ignore[return-value]


async def form(request: Request, largest: int = LARGEST_FORM) -> dict[str, str]:
    """The fields of a form of so many bytes. Problem where it is none, or was sent by a page of another site."""
    check_same_site(request)
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Problem("bad-request", "Send a form.")
    body = await request.body()
    if len(body) > largest:
        raise Problem("body-too-large", f"This form may have {largest} bytes.")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    except UnicodeDecodeError as error:
        raise Problem("bad-request", "The form is not UTF-8.") from error


def check_same_site(request: Request) -> None:
    """Problem where another site's page sent the form: browsers say from where it comes."""
    origin = request.headers.get("origin")
    came = request.headers.get("sec-fetch-site", "same-origin")
    if came not in ("same-origin", "none") or (
        origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    ):
        raise Problem("forbidden", "The form was sent by a page of another site. Open the page here and send it again.")


def local(address: str) -> str:
    """An address to go back to, which must be on this server; else its root."""
    return address if address.startswith("/") and not address.startswith(("//", "/\\")) else "/"


async def _choose_theme(request: Request) -> Response:
    fields = await form(request)
    if fields.get("theme") not in THEMES:
        raise Problem("bad-request", f"theme: give one of {', '.join(THEMES)}.")
    back = RedirectResponse(local(fields.get("back", "/")), 303)
    back.set_cookie(THEME_COOKIE, fields["theme"], max_age=_YEAR, samesite="lax", httponly=True)
    return back


def add_to(app: FastAPI) -> None:
    """Add what all pages need: their files, and the choice of a theme."""
    app.router.routes.append(Route(f"{static.PREFIX}/{{path:path}}", static.serve))
    app.router.routes.append(Route(_THEME_PATH, _choose_theme, methods=["POST"]))
