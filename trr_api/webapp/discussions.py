"""Pages of threads and posts, and of how far somebody watched."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Literal

from starlette.responses import Response

from trr_api.pages import site
from trr_api.problems import Invalid, Problem
from trr_api.tables import LONGEST_POST, REACTIONS
from trr_api.webapp import words
from trr_api.webapp.catalog import progress_of
from trr_api.webapp.forms import mistakes, whole
from trr_api.webapp.visits import PREFIX, Fields, Visit, Visitor, site_router

router = site_router()

POSTS: Final = 20
REPLIES: Final = 20
"""Posts of a branch that come along; a link leads to the rest."""
SORTS: Final = {"new": "Newest", "top": "Best", "hot": "Hot", "oldest": "Oldest"}


@router.get("/threads/{thread}")
async def thread(visit: Visitor, thread: str) -> Response:
    """A thread with a page of its posts."""
    return await _thread(visit, thread)


async def _thread(
    visit: Visit, identifier: str, *, problem: Problem | None = None, given: dict[str, str] | None = None
) -> Response:
    """A thread; with what was written in one of its forms, where that was not taken."""
    api, query = visit.api, site.query_of(visit.address)
    place = f"/threads/{identifier}"
    spoilers = query.get("spoilers")
    sort, parent = query.get("sort", "new"), query.get("parent")
    try:
        found, above = await asyncio.gather(
            api.get(place, spoilers=spoilers),
            _maybe(visit, "posts", parent, spoilers=spoilers),
        )
    except Problem as refused:
        if refused.kind.name != "forbidden":
            raise
        return await _gate(visit, place)
    show, progress, episode, season, posts = await asyncio.gather(
        api.get(f"/shows/{found['show_id']}", fields="title,slug"),
        progress_of(visit, found["show_id"]),
        _maybe(visit, "episodes", found["episode_id"]),
        _season(visit, found),
        api.get(
            f"{place}/posts",
            sort=sort,
            parent=parent,
            limit=POSTS,
            replies=REPLIES,
            spoilers=spoilers,
            cursor=query.get("cursor"),
        ),
    )
    return visit.page(
        "thread.html",
        status=200 if problem is None else problem.kind.status,
        thread=found,
        show=show,
        progress=progress,
        episode=episode,
        season=season,
        posts=posts["data"],
        more=posts["next_cursor"],
        above=above,
        sort=sort,
        sorts=SORTS,
        reads_all=spoilers == "true",
        replies=REPLIES,
        reactions=words.REACTIONS,
        longest=LONGEST_POST,
        problem=problem,
        wrong=mistakes(problem),
        given=given or {},
    )


async def _gate(visit: Visit, place: str) -> Response:
    """What stands before something that the reader has not seen, with nothing of it."""
    thread = await visit.api.get(place, spoilers="true")
    show, progress = await asyncio.gather(
        visit.api.get(f"/shows/{thread['show_id']}", fields="title,slug"), progress_of(visit, thread["show_id"])
    )
    return visit.page("spoilers.html", show=show, progress=progress)


async def _maybe(visit: Visit, kind: str, identifier: str | None, **query: Any) -> Any:
    return None if identifier is None else await visit.api.get(f"/{kind}/{identifier}", **query)


async def _season(visit: Visit, thread: Any) -> Any:
    """The season that a thread is about, out of those of its show; seasons have no address by id."""
    if thread["season_id"] is None:
        return None
    found = await visit.api.get(f"/shows/{thread['show_id']}/seasons", limit=100, fields="season_number,title")
    return next((season for season in found["data"] if season["id"] == thread["season_id"]), None)


@router.post("/{kind}/{identifier}/threads")
async def begin_thread(
    visit: Visitor, kind: Literal["shows", "seasons", "episodes"], identifier: str, fields: Fields
) -> Response:
    """Begin a thread about something; its first post comes with it."""
    about = f"/{kind}/{identifier}"
    wanted = {"type": fields.get("type", "general"), "title": fields.get("title", "").strip()}
    try:
        made = await visit.api.send("POST", f"{about}/threads", wanted)
    except Problem as problem:
        problem = visit.again(problem)
        return visit.page(
            "new_thread.html",
            status=problem.kind.status,
            about=about,
            problem=problem,
            wrong=mistakes(problem),
            given=fields,
        )
    visit.address = f"{PREFIX}/threads/{made['id']}"
    return await _write(visit, made["id"], fields) if fields.get("body", "").strip() else visit.go(visit.address)


@router.post("/threads/{thread}/posts")
async def write_post(visit: Visitor, thread: str, fields: Fields) -> Response:
    """Write a post. What could not be kept is shown again in its form."""
    if not fields.get("back"):
        visit.address = f"{PREFIX}/threads/{thread}"
    return await _write(visit, thread, fields)


async def _write(visit: Visit, thread: str, fields: dict[str, str]) -> Response:
    wanted = {"body": fields.get("body", "")}
    if parent := fields.get("parent_id"):
        wanted["parent_id"] = parent
    try:
        if about := await _about(visit, thread, fields):
            wanted["about_episode_id"] = about
        made = await visit.api.send("POST", f"/threads/{thread}/posts", wanted)
    except Problem as problem:
        return await _thread(visit, thread, problem=visit.again(problem), given=fields)
    return visit.go(f"{visit.address}#post-{made['id']}")


async def _about(visit: Visit, thread: str, fields: dict[str, str]) -> str | None:
    """The episode that a post tells of. Problem where there is none such."""
    if not fields.get("season") and not fields.get("episode"):
        return None
    season, number = whole(fields, "season"), whole(fields, "episode")
    if season is not None and number is not None:
        show = (await visit.api.get(f"/threads/{thread}", spoilers="true"))["show_id"]
        found = await _episode(visit, f"/shows/{show}/seasons/{season}/episodes", number)
        if found is not None:
            return found
    missing = "the show has no such episode; give the numbers of its season and of the episode, or none"
    raise Problem("invalid-body", missing, errors=[Invalid(where="body", parameter="episode", detail=missing)])


async def _episode(visit: Visit, season: str, number: int) -> str | None:
    """The id of the episode of a season that has a number."""
    cursor = None
    while True:
        page = await visit.api.maybe(season, fields="episode_number", limit=100, cursor=cursor)
        for episode in page["data"] if page else ():
            if episode["episode_number"] == number:
                return str(episode["id"])
        cursor = page and page["next_cursor"]
        if cursor is None:
            return None


@router.post("/posts/{post}/reactions")
async def react(visit: Visitor, post: str, fields: Fields) -> Response:
    """Let a reaction of the reader's be there or not."""
    for method, name in (("PUT", "react"), ("DELETE", "take_back")):
        if fields.get(name) in REACTIONS:
            await visit.api.send(method, f"/posts/{post}/reactions/{fields[name]}")
    return _to_post(visit, post)


@router.post("/posts/{post}/edit")
async def rewrite_post(visit: Visitor, post: str, fields: Fields) -> Response:
    """Change the text of one's own post."""
    try:
        await visit.api.send("PATCH", f"/posts/{post}", {"body": fields.get("body", "")})
    except Problem as problem:
        return await _of_post(visit, post, visit.again(problem), {**fields, "edited": post})
    return _to_post(visit, post)


async def _of_post(visit: Visit, post: str, problem: Problem, given: dict[str, str]) -> Response:
    """The thread of a post, with what was written below it."""
    found = await visit.api.get(f"/posts/{post}", spoilers="true")
    return await _thread(visit, found["thread_id"], problem=problem, given=given)


@router.post("/posts/{post}/delete")
async def delete_post(visit: Visitor, post: str, _: Fields) -> Response:
    """Delete one's own post."""
    await visit.api.send("DELETE", f"/posts/{post}")
    return _to_post(visit, post)


@router.post("/posts/{post}/restore")
async def restore_post(visit: Visitor, post: str, _: Fields) -> Response:
    """Take that back."""
    await visit.api.send("POST", f"/posts/{post}/restore")
    return _to_post(visit, post)


@router.post("/posts/{post}/report")
async def report_post(visit: Visitor, post: str, fields: Fields) -> Response:
    """Tell the moderators."""
    try:
        await visit.api.send("POST", f"/posts/{post}/reports", {"reason": fields.get("reason", "")})
    except Problem as problem:
        return await _of_post(visit, post, visit.again(problem), {**fields, "reported": post})
    return visit.go(visit.address, done="reported")


def _to_post(visit: Visit, post: str) -> Response:
    return visit.go(f"{visit.address}#post-{post}")


@router.post("/shows/{show}/progress")
async def set_progress(visit: Visitor, show: str, fields: Fields) -> Response:
    """Note how far the reader watched a show, or nothing."""
    if fields.get("forget"):
        await visit.api.send("DELETE", f"/me/progress/{show}")
    else:
        seen = {"season_number": whole(fields, "season"), "episode_number": whole(fields, "episode")}
        if None in seen.values():
            raise Problem("invalid-body", "Give the numbers of the season and the episode that you saw last.")
        await visit.api.send("PUT", f"/me/progress/{show}", seen)
    return visit.go(visit.address)


@router.get("/notifications")
async def notifications(visit: Visitor) -> Response:
    """Who answered or mentioned the reader."""
    query = visit.request.query_params
    spoilers = query.get("spoilers")
    found = await visit.api.get("/me/notifications", limit=30, spoilers=spoilers, cursor=query.get("cursor"))
    told = {"notifications": found["data"], "more": found["next_cursor"], "reads_all": spoilers == "true"}
    return visit.page("notifications.html", is_kept=False, **told)


@router.post("/notifications")
async def read_notifications(visit: Visitor, fields: Fields) -> Response:
    """All of them up to one were seen."""
    seen = {"id": fields.get("id", ""), "spoilers": fields.get("spoilers") == "true"}
    await visit.api.send("POST", "/me/notifications/read", seen)
    return visit.go(f"{PREFIX}/notifications")
