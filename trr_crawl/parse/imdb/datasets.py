"""IMDb's official datasets: blocks of rows in, items out.

Each file is UTF-8, a header and then one row a line, values parted by tabs; `\\N` stands for null, nothing is quoted. A
title's facts are spread over several files, so a Selection remembers between the passes what was chosen:
title.episode and title.ratings are read before title.basics, which then gives every title in one item, and
title.principals names the people to look for in name.basics.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final

import orjson

from trr_crawl.items import UNSET, Credit, Episode, EpisodeCredit, Item, Maybe, Person, Show
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.imdb.categories import ACTING, ARCHIVE, CAST, SELF, Trade, trade

SOURCE: Final = "imdb_datasets"
"""Personal and non-commercial use only: what comes from here stays recognisable. Ids are those of "imdb"."""


class Table(enum.StrEnum):
    """The files that are read."""

    BASICS = "title.basics"
    EPISODE = "title.episode"
    RATINGS = "title.ratings"
    PRINCIPALS = "title.principals"
    CREW = "title.crew"
    NAMES = "name.basics"


COLUMNS: Final[dict[Table, tuple[str, ...]]] = {
    table: tuple(columns.split())
    for table, columns in {
        Table.BASICS: "tconst titleType primaryTitle originalTitle isAdult startYear endYear runtimeMinutes genres",
        Table.EPISODE: "tconst parentTconst seasonNumber episodeNumber",
        Table.RATINGS: "tconst averageRating numVotes",
        Table.PRINCIPALS: "tconst ordering nconst category job characters",
        Table.CREW: "tconst directors writers",
        Table.NAMES: "nconst primaryName birthYear deathYear primaryProfession knownForTitles",
    }.items()
}

EPISODE_TYPE: Final = b"tvEpisode"
PROBLEMS_KEPT: Final = 20
"""So many rows of a file that cannot be read are named; more are only counted."""

_NULL: Final = b"\\N"
_ALL_BUT_TABS_AND_ENDS: Final = bytes(set(range(256)) - set(b"\t\n"))
_TITLE_ID = re.compile(rb"tt\d{7,10}")
_PERSON_ID = re.compile(rb"nm\d{7,10}")
_RATING = re.compile(rb"\d{1,2}(\.\d+)?")
_CATEGORY = re.compile(rb"[a-z]+(_[a-z]+)*")
_OF_THEMSELVES = re.compile(r"(?:self|himself|herself|themselves|themself)\b", re.IGNORECASE)


@dataclass(slots=True)
class Selection:
    """What was chosen, and what is remembered of it: about 250 bytes an episode and 100 a person."""

    shows: dict[bytes, bytes] = field(default_factory=dict)
    """Ids of the chosen shows, each with itself, so that their episodes can share one object."""
    titles: dict[bytes, bytes] = field(default_factory=dict)
    """Ids of shows and episodes. A show has an empty value; an episode the rest of its row in title.episode, until
    title.basics has told of it, and from then on only its show's id."""
    ratings: dict[bytes, bytes] = field(default_factory=dict)
    """Ids of rated titles with the rest of their row in title.ratings; given up as title.basics tells of them."""
    rated: bool = False
    """Whether title.ratings was read to its end and understood: only then a title that is not in it has no votes."""
    people: set[bytes] = field(default_factory=set)
    """Ids of those credited."""

    def add_show(self, show_id: bytes) -> None:
        """Choose a show."""
        self.shows[show_id] = show_id
        self.titles[show_id] = b""


class Pass:
    """One reading of one file. A subclass says which rows concern it and what to make of them."""

    table: ClassVar[Table]

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        self.lines_read = 0
        """The header included."""
        self.problem_count = 0
        """Rows that cannot be read."""
        self.problems: list[tuple[int, str]] = []
        """The first of them: line number and reason."""
        self.drift: list[str] = []
        """Words that no parser knows."""
        self._shape = b"\t" * (len(COLUMNS[self.table]) - 1) + b"\n"

    def read(self, block: bytes) -> list[Item]:
        """The items of a block of whole lines, the last with its line end too; ShapeError for an unknown header."""
        lines = block.split(b"\n")
        lines.pop()
        if self.lines_read == 0:
            self._check_header(lines[0])
            lines[0] = b""
        elif block.translate(None, _ALL_BUT_TABS_AND_ENDS) != self._shape * len(lines):
            self._blank_misshapen(lines, first=0)
        if self.lines_read == 0:
            self._blank_misshapen(lines, first=1)
        items: list[Item] = []
        for line in self.chosen(lines):
            try:
                items += self.row(line.split(b"\t"))
            except (ShapeError, UnicodeDecodeError) as error:
                why = str(error) if isinstance(error, ShapeError) else f"no UTF-8: {error.reason}"
                self._note(next(index for index, other in enumerate(lines) if other is line), why)
        self.lines_read += len(lines)
        return items

    def end(self, *, whole: bool) -> list[Item]:  # noqa: ARG002
        """The items that were held back until the end; `whole` says whether it is the file's own."""
        return []

    def chosen(self, lines: list[bytes]) -> Iterable[bytes]:
        """The lines that may concern this pass; a line that is no row is empty. This runs for every row there is."""
        raise NotImplementedError

    def row(self, values: list[bytes]) -> Iterable[Item]:
        """What a chosen row says; ShapeError where it holds something else than it should."""
        raise NotImplementedError

    def _check_header(self, line: bytes) -> None:
        known = "\t".join(COLUMNS[self.table]).encode()
        if line != known:
            names = line[:300].decode("utf-8", "replace").replace("\t", ", ")
            raise ShapeError(f"its columns are {names}; known are {', '.join(COLUMNS[self.table])}")

    def _blank_misshapen(self, lines: list[bytes], first: int) -> None:
        """Note the lines with too few or too many columns, and empty them; the numbers of the others stay."""
        tabs = len(COLUMNS[self.table]) - 1
        for index in range(first, len(lines)):
            found = lines[index].count(b"\t")
            if found != tabs:
                self._note(index, f"{found + 1} {'columns' if found else 'column'} instead of {tabs + 1}")
                lines[index] = b""

    def _note(self, index: int, why: str) -> None:
        self.problem_count += 1
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append((self.lines_read + index + 1, why))


class Choice(Pass):
    """title.basics, read for the shows of some types and, if any are given, of one of some genres."""

    table = Table.BASICS

    def __init__(self, selection: Selection, types: Iterable[str], genres: Iterable[str]) -> None:
        super().__init__(selection)
        self.types = frozenset(name.encode() for name in types)
        self.genres = frozenset(name.encode() for name in genres)
        self._marks = [b"\t" + name + b"\t" for name in self.types]

    def chosen(self, lines: list[bytes]) -> Iterable[bytes]:
        return [line for mark in self._marks for line in lines if mark in line]

    def row(self, values: list[bytes]) -> Iterable[Item]:
        # A title may be called "tvSeries": only the second column counts.
        if values[1] in self.types and (not self.genres or not self.genres.isdisjoint(values[8].split(b","))):
            self.selection.add_show(_id(values[0], _TITLE_ID, "tconst"))
        return ()


class Episodes(Pass):
    """title.episode: which titles are episodes of the chosen shows."""

    table = Table.EPISODE

    def chosen(self, lines: list[bytes]) -> Iterable[bytes]:
        shows = self.selection.shows
        return [line for line in lines if line.partition(b"\t")[2].partition(b"\t")[0] in shows]

    def row(self, values: list[bytes]) -> Iterable[Item]:
        episode_id = _id(values[0], _TITLE_ID, "tconst")
        _integer(values[2], "seasonNumber")
        _integer(values[3], "episodeNumber")
        if episode_id in self.selection.shows:
            raise ShapeError(f"{episode_id.decode()} is an episode of {values[1].decode()}, it was taken for a show")
        self.selection.titles[episode_id] = b"\t".join(values[1:])
        return ()


class Ratings(Pass):
    """title.ratings: the votes on the chosen titles."""

    table = Table.RATINGS

    def chosen(self, lines: list[bytes]) -> Iterable[bytes]:
        titles = self.selection.titles
        return [line for line in lines if line.partition(b"\t")[0] in titles]

    def row(self, values: list[bytes]) -> Iterable[Item]:
        title_id, *votes = values
        _rating(votes[0])
        _integer(votes[1], "numVotes")
        self.selection.ratings[title_id] = b"\t".join(votes)
        return ()

    def end(self, *, whole: bool) -> list[Item]:
        """No items, but certainty about the titles that are not in the file."""
        self.selection.rated = whole and not self.problem_count
        return []


class Titles(Pass):
    """title.basics, read for the items: shows and episodes, each with all that the files before told of it."""

    table = Table.BASICS

    def __init__(self, selection: Selection) -> None:
        super().__init__(selection)
        self.unseen = set(selection.shows)
        """The chosen shows that the file has not told of."""
        self.episodes_taken_for_shows: list[str] = []
        """Ids that were named as shows, and are episodes."""

    def chosen(self, lines: list[bytes]) -> Iterable[bytes]:
        titles = self.selection.titles
        return [line for line in lines if line.partition(b"\t")[0] in titles]

    def row(self, values: list[bytes]) -> Iterable[Item]:
        title_id, kind = values[:2]
        if values[4] not in (b"0", b"1"):
            raise ShapeError(f"isAdult is {_shown(values[4])}, neither 0 nor 1")
        title, original = _text(values[2]), _text(values[3])
        start, end = _integer(values[5], "startYear"), _integer(values[6], "endYear")
        minutes, genres = _integer(values[7], "runtimeMinutes"), _texts(values[8])
        seconds = None if minutes is None else minutes * 60
        kept = self.selection.titles[title_id]
        if not kept:
            self.unseen.discard(title_id)
            if kind == EPISODE_TYPE:
                self.episodes_taken_for_shows.append(title_id.decode())
                del self.selection.titles[title_id]
                del self.selection.shows[title_id]
                return
            rating, votes = self._votes(title_id)
            yield Show(
                source=SOURCE,
                id=title_id.decode(),
                title=title,
                original_title=original,
                show_type=_text(kind),
                start_year=start,
                end_year=end,
                runtime_seconds=seconds,
                genres=genres,
                rating=rating,
                vote_count=votes,
            )
            return
        if b"\t" not in kept:
            raise ShapeError(f"{title_id.decode()} stands here a second time")
        episode = self._episode(title_id, kept)
        episode.title, episode.episode_type, episode.release_year = title, _text(kind), start
        episode.runtime_seconds, episode.genres = seconds, genres
        yield episode

    def end(self, *, whole: bool) -> list[Item]:  # noqa: ARG002
        """The episodes that title.basics did not tell of."""
        left = [(title_id, kept) for title_id, kept in self.selection.titles.items() if b"\t" in kept]
        return [self._episode(title_id, kept) for title_id, kept in left]

    def _episode(self, title_id: bytes, kept: bytes) -> Episode:
        """What title.episode and title.ratings told."""
        show_id, season, number = kept.split(b"\t")
        self.selection.titles[title_id] = self.selection.shows[show_id]
        rating, votes = self._votes(title_id)
        return Episode(
            source=SOURCE,
            id=title_id.decode(),
            show_id=show_id.decode(),
            season_number=_integer(season, "seasonNumber"),
            episode_number=_integer(number, "episodeNumber"),
            rating=rating,
            vote_count=votes,
        )

    def _votes(self, title_id: bytes) -> tuple[Maybe[float], Maybe[int]]:
        """Rating and number of votes; None without a vote, UNSET where that is not certain."""
        votes = self.selection.ratings.pop(title_id, None)
        if votes is None:
            return (None, None) if self.selection.rated else (UNSET, UNSET)
        rating, _, count = votes.partition(b"\t")
        return _rating(rating), _integer(count, "numVotes")


@dataclass(slots=True)
class _Work:
    """A person's rows in one category of one title, together."""

    person_id: bytes
    category: str
    ordering: int
    characters: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    as_self: Maybe[bool] = UNSET
    archive_footage: bool = True
    """Until a row says otherwise."""


class Principals(Pass):
    """title.principals: the first few credits of each title, the rows of one person and category in one item."""

    table = Table.PRINCIPALS

    def __init__(self, selection: Selection, *, of_episodes: bool) -> None:
        super().__init__(selection)
        self._wanted: dict[bytes, bytes] = selection.titles if of_episodes else selection.shows
        self._title_id = b""
        self._works: dict[tuple[bytes, str], _Work] = {}
        self._trades: dict[bytes, Trade] = {}

    def chosen(self, lines: list[bytes]) -> Iterable[bytes]:
        wanted = self._wanted
        return [line for line in lines if line.partition(b"\t")[0] in wanted]

    def row(self, values: list[bytes]) -> Iterable[Item]:
        title_id, place, person_id, category, job, roles = values
        ordering = _integer(place, "ordering")
        if ordering is None:
            raise ShapeError("ordering is null")
        _id(person_id, _PERSON_ID, "nconst")
        own, word = self._trade(category), category.decode()
        characters, text = _characters(roles), _text(job)
        finished = self._flush() if title_id != self._title_id else []
        self._title_id = title_id
        work = self._works.setdefault((person_id, own.slug), _Work(person_id, own.slug, ordering))
        work.ordering = min(work.ordering, ordering)
        work.characters += [character for character in characters if character not in work.characters]
        if text is not None and text not in work.jobs:
            work.jobs.append(text)
        if own is CAST:
            work.archive_footage = work.archive_footage and word in ARCHIVE
            if word in SELF or any(map(_OF_THEMSELVES.match, characters)):
                work.as_self = True
            elif word in ACTING or characters:
                work.as_self = work.as_self or False
        return finished

    def end(self, *, whole: bool) -> list[Item]:
        """The credits of the last title, unless the file breaks off among them."""
        return self._flush() if whole else []

    def _trade(self, category: bytes) -> Trade:
        known = self._trades.get(category)
        if known is None:
            if not _CATEGORY.fullmatch(category):
                raise ShapeError(f"category is {_shown(category)}, no word")
            known = self._trades[category] = trade(category.decode())
            if not known.known:
                self.drift.append(f"category.{known.slug}")
        return known

    def _flush(self) -> list[Item]:
        """The credits of the title that is complete now."""
        works, self._works = sorted(self._works.values(), key=lambda work: work.ordering), {}
        self.selection.people.update(work.person_id for work in works)
        show_id = self.selection.titles.get(self._title_id)
        if show_id:
            # An episode that title.basics did not tell of still has its whole row here.
            show = show_id.partition(b"\t")[0].decode()
            return [self._episode_credit(show, work) for work in works]
        places: dict[str, int] = {}
        items: list[Item] = []
        for work in works:
            places[work.category] = places.get(work.category, 0) + 1
            items.append(self._credit(work, places[work.category]))
        return items

    def _credit(self, work: _Work, place: int) -> Credit:
        in_cast = work.category == CAST.slug
        return Credit(
            source=SOURCE,
            show_id=self._title_id.decode(),
            person_id=work.person_id.decode(),
            category=work.category,
            billing_order=place,
            characters=(work.characters or None) if in_cast else UNSET,
            jobs=UNSET if in_cast else (work.jobs or None),
            as_self=work.as_self,
            archive_footage=work.archive_footage if in_cast else UNSET,
        )

    def _episode_credit(self, show_id: str, work: _Work) -> EpisodeCredit:
        in_cast = work.category == CAST.slug
        return EpisodeCredit(
            source=SOURCE,
            show_id=show_id,
            episode_id=self._title_id.decode(),
            person_id=work.person_id.decode(),
            category=work.category,
            characters=(work.characters or None) if in_cast else UNSET,
            as_self=work.as_self,
            archive_footage=work.archive_footage if in_cast else UNSET,
        )


class Crew(Pass):
    """title.crew: all directors and writers of each title, of whom title.principals has only the first."""

    table = Table.CREW

    def __init__(self, selection: Selection, *, of_episodes: bool) -> None:
        super().__init__(selection)
        self._wanted: dict[bytes, bytes] = selection.titles if of_episodes else selection.shows

    def chosen(self, lines: list[bytes]) -> Iterable[bytes]:
        wanted = self._wanted
        return [line for line in lines if line.partition(b"\t")[0] in wanted]

    def row(self, values: list[bytes]) -> Iterable[Item]:
        title_id, directors, writers = values
        named = [("director", person) for person in _ids(directors, _PERSON_ID, "directors")]
        named += [("writer", person) for person in _ids(writers, _PERSON_ID, "writers")]
        self.selection.people.update(person for _, person in named)
        show_id = self.selection.titles[title_id].partition(b"\t")[0].decode()
        for category, person in named:
            if show_id:
                yield EpisodeCredit(
                    source=SOURCE,
                    show_id=show_id,
                    episode_id=title_id.decode(),
                    person_id=person.decode(),
                    category=category,
                )
            else:
                yield Credit(source=SOURCE, show_id=title_id.decode(), person_id=person.decode(), category=category)


class Names(Pass):
    """name.basics: the people who were credited."""

    table = Table.NAMES

    def __init__(self, selection: Selection) -> None:
        super().__init__(selection)
        self.found = 0
        """So many of them the file knows."""

    def chosen(self, lines: list[bytes]) -> Iterable[bytes]:
        people = self.selection.people
        return [line for line in lines if line.partition(b"\t")[0] in people]

    def row(self, values: list[bytes]) -> Iterator[Item]:
        person_id, name, birth, death, professions, titles = values
        known_for = [title.decode() for title in _ids(titles, _TITLE_ID, "knownForTitles")]
        person = Person(
            source=SOURCE,
            id=person_id.decode(),
            name=_text(name),
            birth_year=_integer(birth, "birthYear"),
            death_year=_integer(death, "deathYear"),
            professions=_texts(professions),
            known_for_ids=known_for or None,
        )
        self.found += 1
        yield person


def _text(value: bytes) -> str | None:
    return None if value == _NULL else value.decode()


def _texts(value: bytes) -> list[str] | None:
    return None if value == _NULL else value.decode().split(",")


def _integer(value: bytes, name: str) -> int | None:
    if value == _NULL:
        return None
    if not value.isdigit() or len(value) > 10:
        raise ShapeError(f"{name} is {_shown(value)}, no whole number")
    return int(value)


def _rating(value: bytes) -> float:
    if not _RATING.fullmatch(value):
        raise ShapeError(f"averageRating is {_shown(value)}, no rating")
    return float(value)


def _id(value: bytes, pattern: re.Pattern[bytes], name: str) -> bytes:
    if not pattern.fullmatch(value):
        raise ShapeError(f"{name} is {_shown(value)}, no id")
    return value


def _ids(value: bytes, pattern: re.Pattern[bytes], name: str) -> list[bytes]:
    return [] if value == _NULL else [_id(part, pattern, name) for part in value.split(b",")]


def _characters(value: bytes) -> list[str]:
    """`["Self - Host","Jane Doe"]`."""
    if value == _NULL:
        return []
    try:
        characters = orjson.loads(value)
    except orjson.JSONDecodeError:
        characters = None
    if not isinstance(characters, list) or not all(isinstance(character, str) for character in characters):
        raise ShapeError(f"characters is {_shown(value)}, no list of names")
    return characters


def _shown(value: bytes) -> str:
    text = value.decode("utf-8", "replace")
    return repr(text if len(text) <= 60 else text[:57] + "...")
