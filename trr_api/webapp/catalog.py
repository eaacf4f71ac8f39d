"""Pages of shows, seasons, episodes, people and lists."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.responses import RedirectResponse, Response

from trr_api.problems import Problem
from trr_api.webapp import words
from trr_api.webapp.visits import PREFIX, Visitor, site_router

router = site_router()

CARD: Final = "slug,title,start_year,end_year,genres,networks,total_seasons,ratings,poster"
FACE: Final = "slug,name,known_for_department,professions,birth_year,picture"
SORTS: Final = {
    "popularity": "Best known",
    "name": "By name",
    "rating": "Best rated",
    "newest_episode": "Newest episode",
}
OFFER_ORDER: Final = {kind: place for place, kind in enumerate(words.OFFERS)}
CARDS: Final = 24
THREADS: Final = 10


@router.get("")
@router.get("/")
async def home() -> Response:
    """The site begins with the shows."""
    return RedirectResponse(f"{PREFIX}/shows", 307)


@router.get("/shows")
async def list_shows(visit: Visitor) -> Response:
    """Shows, narrowed and ordered."""
    query = visit.request.query_params
    asked = {name: query[name].strip() or None for name in ("genre", "network", "year", "cursor") if name in query}
    sort = query.get("sort", "popularity")
    found, networks = await asyncio.gather(
        visit.api.get("/shows", **asked, sort=sort, limit=CARDS, fields=CARD),
        visit.api.get("/networks", limit=100),
    )
    genres = sorted({genre for show in found["data"] for genre in show["genres"]})
    return visit.page(
        "shows.html",
        shows=found["data"],
        more=found["next_cursor"],
        asked=asked,
        sort=sort,
        sorts=SORTS,
        genres=genres,
        networks=[network["name"] for network in networks["data"] if network["name"]],
    )


@router.get("/search")
async def search(visit: Visitor) -> Response:
    """Whatever is called so, or spelled like it, and what to narrow it by."""
    query = visit.request.query_params
    names = ("q", "kind", "genre", "network", "provider", "region")
    asked = {name: query[name].strip() for name in names if query.get(name, "").strip()}
    if "q" not in asked:
        return visit.page("search.html", asked=asked, results=[], facets={}, more=None)
    found, facets = await asyncio.gather(
        visit.api.get("/search", **asked, limit=CARDS, cursor=query.get("cursor")),
        visit.api.get("/search/facets", **asked),
    )
    return visit.page("search.html", asked=asked, results=found["data"], facets=facets, more=found["next_cursor"])


@router.get("/shows/{show}")
async def show(visit: Visitor, show: str) -> Response:
    """All of a show."""
    api, query = visit.api, visit.request.query_params
    found = await api.get(f"/shows/{show}", expand="seasons,top_cast")
    place = f"/shows/{found['id']}"
    pictures, threads, surveys, games, progress = await asyncio.gather(
        api.get(f"{place}/images", limit=12),
        api.get(f"{place}/threads", limit=THREADS, spoilers=query.get("spoilers"), cursor=query.get("cursor")),
        api.get("/surveys", show_id=found["id"], limit=THREADS),
        api.get("/games", show_id=found["id"], limit=THREADS),
        progress_of(visit, found["id"]),
    )
    regions = list(dict.fromkeys(offer["region"] for offer in found["providers"]))
    wanted = query.get("region", "US")
    region = wanted if wanted in regions else next(iter(regions), None)
    return visit.page(
        "show.html",
        show=found,
        gallery=pictures["data"],
        threads=threads,
        about=place,
        surveys=surveys["data"] + games["data"],
        progress=progress,
        regions=regions,
        region=region,
        offers=sorted(
            (offer for offer in found["providers"] if offer["region"] == region),
            key=lambda offer: OFFER_ORDER.get(offer["offer_type"], len(OFFER_ORDER)),
        ),
    )


async def progress_of(visit: Visitor, show: str) -> Any:
    """How far the reader watched a show; None where they did not say."""
    return None if visit.me is None else await visit.api.maybe(f"/me/progress/{show}")


@router.get("/shows/{show}/pictures")
async def show_pictures(visit: Visitor, show: str) -> Response:
    """The gallery of a show."""
    return await _gallery(visit, f"/shows/{show}", "title", f"{PREFIX}/shows/{show}")


@router.get("/people/{person}/pictures")
async def person_pictures(visit: Visitor, person: str) -> Response:
    """The gallery of a person."""
    return await _gallery(visit, f"/people/{person}", "name", f"{PREFIX}/people/{person}")


async def _gallery(visit: Visitor, place: str, name: str, up: str) -> Response:
    thing, found = await asyncio.gather(
        visit.api.get(place, fields=name),
        visit.api.get(f"{place}/images", limit=48, cursor=visit.request.query_params.get("cursor")),
    )
    return visit.page("pictures.html", name=thing[name], gallery=found["data"], more=found["next_cursor"], up=up)


@router.get("/shows/{show}/cast")
async def cast(visit: Visitor, show: str) -> Response:
    """Everybody who is credited, in billing order."""
    query = visit.request.query_params
    thing, found = await asyncio.gather(
        visit.api.get(f"/shows/{show}", fields="title,slug"),
        visit.api.get(f"/shows/{show}/credits", limit=50, category=query.get("category"), cursor=query.get("cursor")),
    )
    return visit.page("cast.html", show=thing, credits=found["data"], more=found["next_cursor"])


@router.get("/shows/{show}/seasons/{number}")
async def season(visit: Visitor, show: str, number: str) -> Response:
    """A season with its episodes."""
    api, query = visit.api, visit.request.query_params
    place = f"/shows/{show}/seasons/{number}"
    thing, found, people = await asyncio.gather(
        api.get(f"/shows/{show}", fields="title,slug,poster"),
        api.get(place, expand="episodes"),
        api.get(f"{place}/credits", limit=CARDS),
    )
    about = f"/seasons/{found['id']}"
    threads, progress = await asyncio.gather(
        api.get(f"{about}/threads", limit=THREADS, spoilers=query.get("spoilers"), cursor=query.get("cursor")),
        progress_of(visit, thing["id"]),
    )
    return visit.page(
        "season.html",
        show=thing,
        season=found,
        episodes=found["episodes"],
        credits=people["data"],
        threads=threads,
        about=about,
        progress=progress,
    )


@router.get("/episodes/{episode}")
async def episode(visit: Visitor, episode: str) -> Response:
    """An episode, and what people say of it."""
    api, query = visit.api, visit.request.query_params
    place = f"/episodes/{episode}"
    found, people, threads = await asyncio.gather(
        api.get(place),
        api.get(f"{place}/credits", limit=CARDS),
        api.get(f"{place}/threads", limit=THREADS, spoilers=query.get("spoilers"), cursor=query.get("cursor")),
    )
    progress = await progress_of(visit, found["show_id"])
    return visit.page(
        "episode.html",
        episode=found,
        credits=people["data"],
        threads=threads,
        about=place,
        progress=progress,
        is_ahead=is_ahead(found, progress),
    )


def is_ahead(episode: Any, progress: Any) -> bool:
    """Whether an episode is one that the reader has not seen yet, as far as they said."""
    if progress is None or episode["season_number"] is None or episode["episode_number"] is None:
        return False
    return bool(
        (episode["season_number"], episode["episode_number"]) > (progress["season_number"], progress["episode_number"])
    )


@router.get("/people")
async def list_people(visit: Visitor) -> Response:
    """People, by name or the best known first."""
    query = visit.request.query_params
    name = query.get("name", "").strip() or None
    sort = query.get("sort", "popularity")
    found = await visit.api.get("/people", name=name, sort=sort, limit=CARDS, fields=FACE, cursor=query.get("cursor"))
    return visit.page("people.html", people=found["data"], more=found["next_cursor"], name=name, sort=sort)


@router.get("/people/{person}")
async def person(visit: Visitor, person: str) -> Response:
    """All of a person."""
    api, place = visit.api, f"/people/{person}"
    found, work, stars, pictures = await asyncio.gather(
        api.get(place, expand="fandom"),
        api.get(f"{place}/credits", limit=50, cursor=visit.request.query_params.get("cursor")),
        api.get(f"{place}/co-stars", limit=12),
        api.get(f"{place}/images", limit=12),
    )
    return visit.page(
        "person.html",
        person=found,
        credits=work["data"],
        more=work["next_cursor"],
        stars=stars["data"],
        gallery=pictures["data"],
    )


@router.get("/lists")
async def lists(visit: Visitor) -> Response:
    """Lists that people keep at the sources."""
    found = await visit.api.get("/lists", limit=50, cursor=visit.request.query_params.get("cursor"))
    return visit.page("lists.html", lists=found["data"], more=found["next_cursor"])


@router.get("/lists/{identifier}")
async def one_list(visit: Visitor, identifier: str) -> Response:
    """A list."""
    place = f"/lists/{identifier}"
    found, entries = await asyncio.gather(
        visit.api.get(place),
        visit.api.get(f"{place}/entries", limit=100, cursor=visit.request.query_params.get("cursor")),
    )
    return visit.page("list.html", list=found, entries=entries["data"], more=entries["next_cursor"])


nowhere = site_router()


@nowhere.get("/{path:path}")
async def no_such_page(_: Visitor) -> Response:
    """Any other address of the site."""
    raise Problem("not-found", "There is no such page.")
