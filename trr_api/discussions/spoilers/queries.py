"""SQL of what would spoil: decided here alone, for every address by which the text of a thread or a post goes out.

Once the caller said how far they watched a show, what is about a later episode or season of it is not shown to them,
unless they ask for it (`spoilers=true`) or wrote it themselves. Lists leave it out; an address of one thing refuses it.

These are conditions of statements that run as the caller, with `threads thread` and `posts post`. `show` is the id of
the thread's show; where it comes from outside of a list, how far the caller has come is looked up once for all of it.
"""

from __future__ import annotations

from typing import Final

_MINE: Final = "author_id = (SELECT caller())"

# Scalars, so that no plan gathers the later episodes of all shows to look among them. A season comes before its first
# episode, and an episode without a number too; one of no season is later than nothing.
_EPISODE: Final = (
    "(SELECT (season_number, coalesce(episode_number, 0)) FROM episodes WHERE id = {} AND season_number IS NOT NULL)"
)
_SEASON: Final = "(SELECT (season_number, 0) FROM seasons WHERE id = thread.season_id)"


def _is_seen(place: str, show: str) -> str:
    """Whether the caller has come as far as to a place, or did not say how far they came."""
    seen = (
        "(SELECT (season_number, episode_number) FROM progress WHERE user_id = (SELECT caller()) "
        f"AND show_id = {show} ORDER BY created_at DESC, id DESC LIMIT 1)"
    )
    return f"({place} > {seen}) IS NOT TRUE"


def shows_thread(show: str = "thread.show_id") -> str:
    """Whether a thread may be shown."""
    place = f"coalesce({_EPISODE.format('thread.episode_id')}, {_SEASON})"
    return f"(thread.{_MINE} OR {_is_seen(place, show)})"


def shows_post(show: str = "thread.show_id") -> str:
    """Whether a post may be shown in its thread, which may be."""
    return f"(post.{_MINE} OR {_is_seen(_EPISODE.format('post.about_episode_id'), show)})"


def shows_lone_post() -> str:
    """Whether a post may be shown, wherever it is."""
    return f"(post.{_MINE} OR {shows_post()} AND {shows_thread()})"
