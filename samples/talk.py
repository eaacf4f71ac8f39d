"""Invented people who talk about the demo's show, so that its pages have something to show. All of it by the API."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import httpx
import psycopg
from fastapi import FastAPI

from trr_api.accounts.queries import SET_ROLE
from trr_api.app import create_app
from trr_api.config import Settings
from trr_api.routing import PREFIX

PASSWORD: Final = "harbour-hearts"
PEOPLE: Final = {"ada": "Ada from the pier", "ben": "Ben", "cleo": "Cleo", "dora": "Dora", "emil": "Emil", "fay": "Fay"}
MODERATOR: Final = "fay"

THREADS: Final[tuple[tuple[str, tuple[tuple[str, str, int | None], ...]], ...]] = (
    (
        "Who leaves the harbour first?",
        (
            ("ada", "My money is on **the captain**. Nobody who says *I never argue* lasts.", None),
            ("ben", "He has the boat. Whoever has the boat stays.", 0),
            ("cleo", "> Whoever has the boat stays.\n\nUntil it needs a new engine, @ben.", 1),
            ("dora", "The lighthouse keeper. Have you seen how she looked at the ferry?", None),
            ("emil", "Everybody looks at the ferry. There is nothing else to look at.", 3),
        ),
    ),
    (
        "Best dinner so far",
        (
            ("emil", "The one with three soups:\n\n1. fish\n2. fish\n3. a silence", None),
            ("ada", "I had to stop it for a minute.", 0),
        ),
    ),
)


class Person:
    """Somebody who calls the API."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self._client = client
        self._headers = {"authorization": f"Bearer {token}"}

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What an address answers."""
        answer = await self._client.request(method, PREFIX + path, json=body, headers=self._headers)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def fill(url: str) -> None:
    """Let them register, write, answer, react, and be asked."""
    asyncio.run(_fill(url))


async def _fill(url: str) -> None:
    app = create_app(Settings(database_url=url, rate_limit="0/minute"))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://demo")
    async with app.router.lifespan_context(app), client:
        people = {name: await _register(app, client, name) for name in PEOPLE}
        with psycopg.connect(url) as connection:
            connection.execute(SET_ROLE, ["moderator", (await people[MODERATOR].ask("GET", "/me"))["id"]])
        show = (await client.get(f"{PREFIX}/shows")).json()["data"][0]["id"]
        for title, posts in THREADS:
            await _talk(people, show, title, posts)
        await _ask(people, show)


async def _register(app: FastAPI, client: httpx.AsyncClient, name: str) -> Person:
    link = app.state.accounts.tokens.mail("register", f"{name}@example.com", 10)
    wanted = {"token": link, "name": name, "display_name": PEOPLE[name], "password": PASSWORD}
    answer = await client.post(f"{PREFIX}/accounts", json=wanted)
    answer.raise_for_status()
    return Person(client, answer.json()["access_token"])


async def _talk(
    people: dict[str, Person], show: str, title: str, posts: tuple[tuple[str, str, int | None], ...]
) -> None:
    thread = (await people[posts[0][0]].ask("POST", f"/shows/{show}/threads", {"title": title}))["id"]
    written: list[str] = []
    for name, body, above in posts:
        post = {"body": body, "parent_id": None if above is None else written[above]}
        written.append((await people[name].ask("POST", f"/threads/{thread}/posts", post))["id"])
    for name, reaction, number in (("ben", "lol", 0), ("cleo", "upvote", 0), ("dora", "upvote", 0), ("fay", "fire", 1)):
        await people[name].ask("PUT", f"/posts/{written[number]}/reactions/{reaction}")


async def _ask(people: dict[str, Person], show: str) -> None:
    survey = {
        "show_id": show,
        "title": "After the first season",
        "description": "Six questions, two minutes.",
        "questions": [
            {"type": "single_choice", "prompt": "Who should leave?", "options": ["The captain", "The cook", "Nobody"]},
            {"type": "rating", "prompt": "How was the season?"},
            {"type": "multiple_choice", "prompt": "What was good?", "options": ["Boats", "Rows", "Soup", "The ferry"]},
            {"type": "ranking", "prompt": "Order the harbours.", "options": ["Old pier", "New pier", "Ferry landing"]},
            {"type": "numeric", "prompt": "How many soups?", "minimum": 0, "maximum": 20, "step": 1},
            {"type": "free_text", "prompt": "Anything else?"},
        ],
    }
    moderator = people[MODERATOR]
    made = (await moderator.ask("POST", "/surveys", survey))["id"]
    await moderator.ask("POST", f"/surveys/{made}/publish")
    asked = (await moderator.ask("GET", f"/surveys/{made}"))["questions"]
    for at, person in enumerate(people.values()):
        choice, rating, several, ranking, number, _ = asked
        options = [[option["id"] for option in question["options"]] for question in (choice, several, ranking)]
        answers = [
            {"question_id": choice["id"], "option_ids": [options[0][0]]},
            {"question_id": rating["id"], "number": 5 - at % 2},
            {"question_id": several["id"], "option_ids": [options[1][2], options[1][at % 2]]},
            {"question_id": ranking["id"], "option_ids": options[2][:: 1 if at % 3 else -1]},
            {"question_id": number["id"], "number": 3},
        ]
        await person.ask("POST", f"/surveys/{made}/submit", {"answers": answers})


def is_missing(url: str) -> bool:
    """Whether nobody talks there yet."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM threads").fetchone() == (0,)
