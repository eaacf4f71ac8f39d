"""Who looks at a page, and how a page is answered.

A log-in is the API's own pair of tokens in two cookies that no script reads and no other path is sent. The access token
is used while it lasts, then the refresh token is used up for the next pair, as any client does.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode, urlsplit

import psycopg
from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trr_api.database import as_problem
from trr_api.deps import People
from trr_api.pages import site
from trr_api.pages.site import Link, Pages
from trr_api.problems import Problem
from trr_api.webapp import words
from trr_api.webapp.api import Api, Moved
from trr_api.webapp.pictures import Pictures

PREFIX: Final = "/app"
ACCESS: Final = "access"
REFRESH: Final = "refresh"

OVERLAP: Final = timedelta(seconds=30)
"""So long a refresh token that was used is good once more: a browser that starts again opens all its pages at once."""

LARGEST_FORM: Final = 100_000
"""Bytes; a post of the longest kind, as forms write it."""

pages = Pages(
    "webapp",
    home=Link(PREFIX, "TRR"),
    navigation=[
        Link(f"{PREFIX}/shows", "Shows"),
        Link(f"{PREFIX}/people", "People"),
        Link(f"{PREFIX}/lists", "Lists"),
        Link(f"{PREFIX}/surveys", "Surveys"),
    ],
    filters=words.FILTERS,
)


class Visit:
    """A request for a page: who sent it, the API in their name, and the answer."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.api = Api(request)
        self.me: dict[str, Any] | None = None
        """The reader, as `/me` tells; None for nobody."""
        self.address = site.with_query(_page_of(request), done=None)
        """The page that the reader is on: this one, or the one whose form was sent."""
        self._has_ended = False
        self._cookies: dict[str, tuple[str, float]] | None = None
        """Name -> value and seconds to keep it; None leaves the browser's as they are, empty takes them away."""

    async def recognise(self, accounts: People) -> None:
        """Find out who it is, by the cookies."""
        access, refresh = (self.request.cookies.get(name) for name in (ACCESS, REFRESH))
        if access and await self._is_known(access):
            return
        if refresh:
            try:
                access, refresh = await accounts.refresh(refresh, OVERLAP)
            except Problem as problem:
                if problem.kind.name != "unauthorized":
                    raise
            else:
                self.log_in(access, refresh)
                if await self._is_known(access):
                    return
        if access or refresh:
            self.log_out()

    async def _is_known(self, access: str) -> bool:
        self.api.token = access
        try:
            self.me = await self.api.get("/me")
        except Problem as problem:
            if problem.kind.name != "unauthorized":
                raise
            self.api.token = None
        return self.me is not None

    def log_in(self, access: str, refresh: str) -> None:
        """Keep a pair of tokens in the reader's browser."""
        settings = self.request.app.state.settings
        self._cookies = {
            ACCESS: (access, settings.access_minutes * 60),
            REFRESH: (refresh, settings.refresh_days * 24 * 3600),
        }

    def log_out(self) -> None:
        """Forget the log-in."""
        self.api.token = self.me = None
        self._cookies = {}

    def again(self, problem: Problem) -> Problem:
        """What to tell above a form that was not taken, with what was written in it. Raises it where none is shown."""
        if problem.kind.name == "not-found":
            raise problem
        if problem.kind.name != "unauthorized":
            return problem
        self._has_ended = True
        return Problem(
            "unauthorized", "Your log-in has ended. What you wrote is still here: log in, and send it again."
        )

    def page(self, template: str, *, status: int = 200, is_kept: bool = True, **context: Any) -> Response:
        """A page out of a template, which also knows `me`, `pictures`, and what is `wrong` with which field.

        One that is not kept is not shown again by a browser whose reader went back after they logged out.
        """
        pictures = Pictures()
        told = {
            "me": self.me,
            "is_recognised": True,
            "is_kept": is_kept,
            "has_ended": self._has_ended,
            "pictures": pictures,
            "wrong": {},
            "given": {},
            "problem": None,
            **context,
        }
        answer = pages.answer(self.request, f"webapp/{template}", status=status, address=self.address, **told)
        if not is_kept:
            answer.headers["cache-control"] = "private, no-store"
        # Copies of pictures may lie on a host of their own, which is the operator's.
        if pictures.hosts:
            answer.headers["content-security-policy"] += f"; img-src 'self' {' '.join(sorted(pictures.hosts))}"
        return answer

    def go(self, address: str, **query: str) -> Response:
        """Lead on to a page of this site, after a form."""
        place, mark, fragment = _of_site(address).partition("#")
        if query:
            place += ("&" if "?" in place else "?") + urlencode(query)
        return RedirectResponse(place + mark + fragment, 303)

    def finish(self, answer: Response) -> Response:
        """Add what else the answer has to do."""
        if self._cookies is not None:
            for name in (ACCESS, REFRESH):
                value, seconds = self._cookies.get(name, ("", 0))
                answer.set_cookie(
                    name,
                    value,
                    max_age=round(seconds),
                    path=PREFIX,
                    secure=self.request.url.scheme == "https",
                    httponly=True,
                    samesite="lax",
                )
        if self.api.later.tasks:
            answer.background = self.api.later
        return answer


async def _visit(request: Request, accounts: People) -> Visit:
    visit = request.state.visit = Visit(request)
    await visit.recognise(accounts)
    return visit


Visitor = Annotated[Visit, Depends(_visit)]


async def _fields(visit: Visitor) -> dict[str, str]:
    fields = await site.form(visit.request, LARGEST_FORM)
    if fields.get("back"):
        visit.address = _of_site(fields["back"])
    return fields


Fields = Annotated[dict[str, str], Depends(_fields)]
"""The form that was sent. One that a page of another site sends is refused by where the browser says it comes from.

Its field `back` has the page that it stood on.
"""


class Page(APIRoute):
    """A route whose problems are pages, too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                found = await handle(request)
            except Moved as moved:
                found = RedirectResponse(site.here(request).replace(f"/{moved.old}", f"/{moved.new}", 1), 308)
            except (Problem, psycopg.Error) as error:
                found = _told(request, error)
            visit = getattr(request.state, "visit", None)
            return found if visit is None else visit.finish(found)

        return answer


def _told(request: Request, error: Exception) -> Response:
    problem = error if isinstance(error, Problem) else as_problem(error)
    if problem is None:
        raise error
    visit = getattr(request.state, "visit", None) or Visit(request)
    if problem.kind.name == "unauthorized":
        return visit.go(f"{PREFIX}/login", back=visit.address)
    if problem.errors and all(found.where == "path" for found in problem.errors):
        problem = Problem("not-found", "There is no such page.")
    answer: Response = visit.page("problem.html", status=problem.kind.status, problem=problem)
    if "retry-after" in problem.headers:
        answer.headers["retry-after"] = problem.headers["retry-after"]
    return answer


def _page_of(request: Request) -> str:
    if request.method == "GET":
        return site.here(request)
    came = urlsplit(request.headers.get("referer", ""))
    is_ours = came.netloc == request.headers.get("host")
    return _of_site(came._replace(scheme="", netloc="").geturl()) if is_ours else PREFIX


def _of_site(address: str) -> str:
    """An address of this site; another one becomes its first page."""
    return address if address.startswith((f"{PREFIX}/", f"{PREFIX}?")) or address == PREFIX else PREFIX


def site_router() -> APIRouter:
    """A router of pages, which are no part of the documented API."""
    return APIRouter(prefix=PREFIX, route_class=Page, include_in_schema=False)
