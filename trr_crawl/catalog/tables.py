"""The catalog's tables, on the one MetaData of the project.

Observations (`source_records`) are what sources say. Entities (`ENTITIES`) are derived from them by `precedence.py` and
`merge.py`, as is `primary_images` by `primary.py`; nothing else writes those rows. Times are `timestamptz`, ids are
UUIDv7.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, JSONB, TSVECTOR

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Code: Final = Text(collation="C")
"""Identifiers and other machine words: compared by byte, whatever the database's locale, and faster for it."""

KINDS: Final = (
    "show",
    "season",
    "episode",
    "person",
    "image",
    "list",
    "network",
    "company",
    "watch_provider",
    "credit",
    "episode_credit",
    "gallery_entry",
    "list_entry",
    "offer",
    "fandom_page",
)
"""The kinds of things that sources describe, parents before children."""

CAST_RULES: Final = ("count", "skip", "guests")
"""Whether the cast of a show counts; "guests" is a talk show, of which the guests are looked at."""

OUTCOMES: Final = ("ok", "partial", "blocked", "failed")
"""How a crawl can end; see `trr_crawl.report`."""


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _timestamp(name: str, *, nullable: bool = False, default: bool = True) -> Column[object]:
    return Column(
        name,
        DateTime(timezone=True),
        nullable=nullable,
        server_default=text("now()") if default else None,
    )


def _entity(name: str, *columns: Column[object] | CheckConstraint | UniqueConstraint | Index) -> Table:
    """A derived table: a stable id, its columns, which source each of them came from, and since when none names it."""
    return Table(
        name,
        metadata,
        Column("id", Uuid, primary_key=True, server_default=text("new_id()")),
        *columns,
        # Field -> the source, or "override", that it came from.
        Column("provenance", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
        _timestamp("created_at"),
        _timestamp("updated_at"),
        # Since when no source names it.
        _timestamp("removed_at", nullable=True, default=False),
        CheckConstraint("jsonb_typeof(provenance) = 'object'", name="provenance"),
    )


def _rating_columns() -> tuple[Column[object] | CheckConstraint, ...]:
    """What users of each source think; scales and crowds differ, so they stay apart."""
    return (
        Column("imdb_rating", Numeric(3, 1)),
        Column("imdb_vote_count", Integer),
        CheckConstraint("imdb_rating BETWEEN 0 AND 10", name="imdb_rating"),
        CheckConstraint("imdb_vote_count >= 0", name="imdb_vote_count"),
        Column("tmdb_rating", Numeric(5, 3)),
        Column("tmdb_vote_count", Integer),
        CheckConstraint("tmdb_rating BETWEEN 0 AND 10", name="tmdb_rating"),
        CheckConstraint("tmdb_vote_count >= 0", name="tmdb_vote_count"),
    )


# A crawl, from its first second.
crawl_runs = Table(
    "crawl_runs",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("new_id()")),
    Column("spider", Text, nullable=False),
    Column("args", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("job_id", Text),
    # The Scrapyd node that runs the job.
    Column("node", Text),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    _timestamp("started_at"),
    _timestamp("heartbeat_at"),
    # The last heartbeat that had something to tell.
    _timestamp("progressed_at"),
    _timestamp("finished_at", nullable=True, default=False),
    Column("outcome", Text),
    # The outcome in words, as in the last line of the log.
    Column("reason", Text),
    # What it was to get and did not.
    Column("gaps", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    # How many of each kind were inserted, updated, unchanged, rejected.
    Column("items", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("requests", BigInteger, nullable=False, server_default=text("0")),
    Column("bytes", BigInteger, nullable=False, server_default=text("0")),
    Column("blocks", Integer, nullable=False, server_default=text("0")),
    Column("images", Integer, nullable=False, server_default=text("0")),
    # All that Scrapy counted.
    Column("stats", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    # Counters over the run's time: [seconds since the start, requests, items, blocks] each.
    Column("timeline", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    _one_of("outcome", OUTCOMES),
    CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name="finished"),
    Index("ix_crawl_runs_started_at", "started_at"),
    Index("ix_crawl_runs_spider_started_at", "spider", "started_at"),
    Index("ix_crawl_runs_job_id", "job_id"),
    Index("ix_crawl_runs_running", "heartbeat_at", postgresql_where=text("outcome IS NULL")),
)

# What a source last said of a thing, as normalized JSON.
source_records = Table(
    "source_records",
    metadata,
    Column("source", Code, primary_key=True),
    Column("kind", Code, primary_key=True),
    Column("key", Code, primary_key=True),
    Column("payload", JSONB, nullable=False),
    Column("payload_hash", Uuid, Computed("md5(payload::text)::uuid", persisted=True), nullable=False),
    Column("run_id", Uuid, ForeignKey("crawl_runs.id", ondelete="RESTRICT")),
    _timestamp("first_seen_at"),
    _timestamp("seen_at"),
    _timestamp("changed_at"),
    # What it is taken to be about.
    Column("entity_id", Uuid),
    # Since when the source, asked for all of a kind, no longer names it.
    _timestamp("gone_at", nullable=True, default=False),
    _one_of("kind", KINDS),
    CheckConstraint("jsonb_typeof(payload) = 'object'", name="payload"),
    CheckConstraint("key <> ''", name="key"),
    Index("ix_source_records_entity_id", "entity_id"),
    Index("ix_source_records_run_id", "run_id"),
    # seen_at changes with every crawl: room on the page keeps that update off the indexes.
    postgresql_with={"fillfactor": 85},
)

# Records that the database refused, and files that are no pictures.
crawl_rejects = Table(
    "crawl_rejects",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("run_id", Uuid, ForeignKey("crawl_runs.id", ondelete="RESTRICT")),
    Column("source", Code, nullable=False),
    Column("kind", Code, nullable=False),
    Column("key", Code, nullable=False),
    # Text, not jsonb: what jsonb cannot hold must be kept too.
    Column("payload", Text, nullable=False),
    Column("error", Text, nullable=False),
    _timestamp("at"),
    # Somebody wants it written once more; the store of the next run does that.
    _timestamp("retry_wanted_at", nullable=True, default=False),
    Column("retry_wanted_by", Text),
    _timestamp("retried_at", nullable=True, default=False),
    Column("retried_as", Code),
    _one_of("retried_as", ("stored", "rejected", "outdated")),
    CheckConstraint("(retried_at IS NULL) = (retried_as IS NULL)", name="retried"),
    Index("ix_crawl_rejects_run_id", "run_id"),
    Index(
        "ix_crawl_rejects_retry_wanted",
        "id",
        postgresql_where=text("retry_wanted_at IS NOT NULL AND retried_at IS NULL"),
    ),
)

# How much each source tells, as sums: see `coverage.py`. A batch adds a row, the end of a run adds the rows up.
source_coverage = Table(
    "source_coverage",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source", Code, nullable=False),
    Column("kind", Code, nullable=False),
    Column("records", BigInteger, nullable=False),
    # Field -> in how many of them it has a value.
    Column("told", JSONB, nullable=False),
)

# Who is who: the one place where ids of the sources lead to things of ours.
external_ids = Table(
    "external_ids",
    metadata,
    Column("kind", Code, primary_key=True),
    Column("source", Code, primary_key=True),
    Column("value", Code, primary_key=True),
    Column("entity_id", Uuid, nullable=False),
    _one_of("kind", KINDS),
    CheckConstraint("value <> ''", name="value"),
    Index("ix_external_ids_entity_id", "entity_id"),
)

# Readable addresses of shows and people. Triggers assign them; one that is no longer current leads on.
slugs = Table(
    "slugs",
    metadata,
    Column("kind", Code, primary_key=True),
    Column("slug", Code, primary_key=True),
    Column("entity_id", Uuid, nullable=False),
    # Made of the name alone; the slug may have more, where another thing had it first.
    Column("base", Code, nullable=False),
    Column("current", Boolean, nullable=False),
    _timestamp("created_at"),
    _one_of("kind", KINDS),
    CheckConstraint("slug <> ''", name="slug"),
    Index("ix_slugs_entity_id", "entity_id", unique=True, postgresql_where=text("current")),
)

# What is searched of shows, people and episodes. Whoever serves the search keeps it, by index_search_documents().
search_documents = Table(
    "search_documents",
    metadata,
    Column("entity_id", Uuid, primary_key=True),
    Column("kind", Code, nullable=False),
    # Of an episode and of a show itself.
    Column("show_id", Uuid),
    # Folded: small letters without accents, words with single spaces between them.
    Column("name", Code, nullable=False),
    # The name and all others, one a line.
    Column("names", Code, nullable=False),
    Column("document", TSVECTOR, nullable=False),
    Column("popularity", REAL, nullable=False),
    _one_of("kind", ("show", "person", "episode")),
    Index("ix_search_documents_kind_name", "kind", "name"),
    Index("ix_search_documents_kind_popularity", "kind", "popularity"),
    *(
        Index(
            f"ix_search_documents_{kind}_{column}",
            column,
            postgresql_using="gin",
            postgresql_ops=operators,
            postgresql_where=text(f"kind = '{kind}'"),
        )
        for kind in ("show", "person", "episode")
        for column, operators in (("document", {}), ("names", {"names": "gin_trgm_ops"}))
    ),
    # Names without what is told.
    *(
        Index(
            f"ix_search_documents_{kind}_words",
            text("ts_filter(document, '{a,b}')"),
            postgresql_using="gin",
            postgresql_where=text(f"kind = '{kind}'"),
        )
        for kind in ("show", "person", "episode")
    ),
)

# Words of the names that are searched: what a misspelt one may have been meant as. One that no name has any more stays.
search_words = Table(
    "search_words",
    metadata,
    Column("word", Code, primary_key=True),
    # In the order of the alphabet: the same where letters changed places.
    Column("letters", Code, nullable=False),
    Index("ix_search_words_letters", "letters"),
    Index(
        "ix_search_words_word",
        "word",
        postgresql_using="gin",
        postgresql_ops={"word": "gin_trgm_ops"},
        postgresql_with={"fastupdate": "off"},
    ),
)

# One row: the last of `changes` that the documents follow.
search_progress = Table(
    "search_progress",
    metadata,
    Column("is_only", Boolean, primary_key=True, server_default=text("true")),
    Column("seq", BigInteger, nullable=False),
    CheckConstraint("is_only", name="is_only"),
)

# What people say of a thing: it beats every source.
overrides = Table(
    "overrides",
    metadata,
    Column("entity_id", Uuid, primary_key=True),
    Column("field", Code, primary_key=True),
    Column("value", JSONB, nullable=False),
    Column("note", Text, nullable=False),
    Column("author", Text, nullable=False),
    _timestamp("created_at"),
)

# What was inserted, updated or joined, in the order of commits.
changes = Table(
    "changes",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Code, nullable=False),
    Column("entity_id", Uuid, nullable=False),
    Column("op", Code, nullable=False),
    Column("fields", ARRAY(Text), nullable=False),
    _timestamp("at"),
    _one_of("kind", KINDS),
    _one_of("op", ("insert", "update", "merge")),
    Index("ix_changes_entity_id_seq", "entity_id", "seq"),
)

# Two things that proved to be one.
entity_merges = Table(
    "entity_merges",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("new_id()")),
    Column("kind", Code, nullable=False),
    Column("survivor_id", Uuid, nullable=False),
    Column("absorbed_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    # The join that this one followed from.
    Column("within_id", Uuid, ForeignKey("entity_merges.id", ondelete="RESTRICT")),
    # Whatever came over, and the absorbed row: what an undo needs.
    Column("moved", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    _timestamp("at"),
    _timestamp("undone_at", nullable=True, default=False),
    Column("undone_by", Text),
    _one_of("kind", KINDS),
    CheckConstraint("survivor_id <> absorbed_id", name="two"),
    Index("ix_entity_merges_survivor_id", "survivor_id"),
    Index("ix_entity_merges_within_id", "within_id"),
)

# Where the id of a thing leads that was joined to another.
entity_redirects = Table(
    "entity_redirects",
    metadata,
    Column("old_id", Uuid, primary_key=True),
    Column("kind", Code, nullable=False),
    Column("new_id", Uuid, nullable=False),
    _one_of("kind", KINDS),
    Index("ix_entity_redirects_new_id", "new_id"),
)

# Pairs that may be one, for somebody to decide.
identity_proposals = Table(
    "identity_proposals",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Code, nullable=False),
    Column("entity_id", Uuid, nullable=False),
    Column("other_id", Uuid, nullable=False),
    Column("score", Numeric(4, 3), nullable=False),
    Column("evidence", JSONB, nullable=False),
    Column("state", Code, nullable=False, server_default=text("'open'")),
    Column("decided_by", Text),
    _timestamp("decided_at", nullable=True, default=False),
    _timestamp("created_at"),
    _one_of("kind", KINDS),
    _one_of("state", ("open", "accepted", "rejected")),
    UniqueConstraint("entity_id", "other_id"),
    CheckConstraint("entity_id < other_id", name="order"),
    CheckConstraint("score BETWEEN 0 AND 1", name="score"),
    CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided"),
    Index("ix_identity_proposals_state_score", "state", "score"),
)

# Series, and every other title that is no episode.
shows = _entity(
    "shows",
    Column("title", Text),
    Column("original_title", Text),
    Column("show_type", Text),
    Column("production_status", Text),
    Column("start_year", SmallInteger),
    Column("end_year", SmallInteger),
    Column("overview", Text),
    Column("certificate", Text),
    Column("runtime_seconds", Integer),
    Column("genres", ARRAY(Text)),
    Column("countries", ARRAY(Text)),
    Column("languages", ARRAY(Text)),
    Column("keywords", ARRAY(Text)),
    Column("tags", ARRAY(Text)),
    Column("filming_locations", JSONB),
    Column("networks", ARRAY(Text)),
    Column("companies", ARRAY(Text)),
    Column("tagline", Text),
    Column("release_date", Date),
    Column("trailer_url", Text),
    Column("total_seasons", Integer),
    Column("total_episodes", Integer),
    Column("programme_type", Text),
    Column("in_production", Boolean),
    Column("adult", Boolean),
    Column("homepage", Text),
    Column("tmdb_popularity", Double),
    Column("original_language", Text),
    Column("production_countries", ARRAY(Text)),
    Column("last_air_date", Date),
    Column("tmdb_network_ids", ARRAY(Text)),
    Column("tmdb_company_ids", ARRAY(Text)),
    # Each an object as in `trr_crawl.items`.
    Column("alternative_titles", JSONB),
    Column("content_ratings", JSONB),
    Column("translations", JSONB),
    Column("videos", JSONB),
    Column("total_specials", Integer),
    # By people alone; see `cast_rules.py`.
    Column("cast_rule", Code),
    Column("cast_min_episodes", SmallInteger),
    *_rating_columns(),
    CheckConstraint("start_year BETWEEN 1800 AND 2200", name="start_year"),
    CheckConstraint("end_year BETWEEN 1800 AND 2200", name="end_year"),
    CheckConstraint("runtime_seconds >= 0", name="runtime_seconds"),
    CheckConstraint("total_seasons >= 0", name="total_seasons"),
    CheckConstraint("total_episodes >= 0", name="total_episodes"),
    CheckConstraint("total_specials >= 0", name="total_specials"),
    _one_of("cast_rule", CAST_RULES),
    CheckConstraint("cast_min_episodes > 0", name="cast_min_episodes"),
    Index("ix_shows_title", "title"),
    # What the API's lists are sorted by.
    Index("ix_shows_by_title", text("coalesce(title, '')"), "id"),
    Index("ix_shows_by_popularity", text("coalesce(tmdb_popularity, -1)"), "id"),
    Index("ix_shows_by_rating", text("coalesce(imdb_rating, tmdb_rating, -1)"), "id"),
    Index("ix_shows_by_last_air_date", text("coalesce(last_air_date, '-infinity'::date)"), "id"),
    Index("ix_shows_by_update", text("updated_at"), "id"),
)

# Seasons of shows.
seasons = _entity(
    "seasons",
    Column("show_id", Uuid, ForeignKey("shows.id", ondelete="RESTRICT"), nullable=False),
    Column("season_number", Integer, nullable=False),
    Column("episode_count", Integer),
    Column("title", Text),
    Column("overview", Text),
    Column("air_date", Date),
    Column("tmdb_rating", Numeric(5, 3)),
    UniqueConstraint("show_id", "season_number"),
    CheckConstraint("tmdb_rating BETWEEN 0 AND 10", name="tmdb_rating"),
    CheckConstraint("season_number >= 0", name="season_number"),
    CheckConstraint("episode_count >= 0", name="episode_count"),
)

# Episodes of shows.
episodes = _entity(
    "episodes",
    Column("show_id", Uuid, ForeignKey("shows.id", ondelete="RESTRICT"), nullable=False),
    Column("season_id", Uuid, ForeignKey("seasons.id", ondelete="RESTRICT")),
    Column("season_number", Integer),
    Column("episode_number", Integer),
    Column("episode_type", Text),
    Column("title", Text),
    Column("overview", Text),
    Column("air_date", Date),
    Column("release_year", SmallInteger),
    Column("certificate", Text),
    Column("runtime_seconds", Integer),
    Column("genres", ARRAY(Text)),
    Column("filming_locations", JSONB),
    Column("production_code", Text),
    *_rating_columns(),
    CheckConstraint("season_number >= 0", name="season_number"),
    CheckConstraint("episode_number >= 0", name="episode_number"),
    CheckConstraint("release_year BETWEEN 1800 AND 2200", name="release_year"),
    CheckConstraint("runtime_seconds >= 0", name="runtime_seconds"),
    # Not unique: two sources may disagree about who is number 4, and both episodes are kept.
    Index("ix_episodes_show_id_season_number_episode_number", "show_id", "season_number", "episode_number"),
    Index("ix_episodes_season_id_episode_number", "season_id", "episode_number"),
    Index("ix_episodes_air_date", "air_date"),
    Index("ix_episodes_show_id_air_date", "show_id", "air_date"),
)

# People.
people = _entity(
    "people",
    Column("name", Text),
    Column("also_known_as", ARRAY(Text)),
    Column("full_name", Text),
    Column("birth_name", Text),
    Column("biography", Text),
    Column("birth_date", Date),
    Column("birth_year", SmallInteger),
    Column("birth_place", Text),
    Column("death_date", Date),
    Column("death_year", SmallInteger),
    Column("death_place", Text),
    Column("death_cause", Text),
    Column("height_centimetres", Numeric(4, 1)),
    Column("weight_kilograms", Numeric(4, 1)),
    Column("hair_colour", Text),
    Column("eye_colour", Text),
    Column("residence", Text),
    Column("professions", ARRAY(Text)),
    Column("original_name", Text),
    Column("gender", Text),
    Column("adult", Boolean),
    Column("homepage", Text),
    Column("tmdb_popularity", Double),
    Column("known_for_department", Text),
    CheckConstraint("height_centimetres > 0", name="height_centimetres"),
    CheckConstraint("weight_kilograms > 0", name="weight_kilograms"),
    Index("ix_people_name", "name"),
    # What the API's lists are sorted by, and how a name begins.
    Index("ix_people_by_name", text("coalesce(name, '')"), "id"),
    Index("ix_people_by_popularity", text("coalesce(tmdb_popularity, -1)"), "id"),
    Index(
        "ix_people_lower_name",
        func.lower(text("name")).label("lower_name"),
        postgresql_ops={"lower_name": "text_pattern_ops"},
    ),
)


def _reference(name: str, table: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, Uuid, ForeignKey(f"{table}.id", ondelete="RESTRICT"), nullable=nullable)


def _credit_columns() -> tuple[Column[object], ...]:
    """What is said of somebody's work, on a show or on one of its episodes."""
    return (
        Column("characters", ARRAY(Text)),
        Column("attributes", ARRAY(Text)),
        Column("as_self", Boolean),
        Column("uncredited", Boolean),
        Column("archive_footage", Boolean),
    )


# Somebody's work on a show, in one category.
credits_ = _entity(
    "credits",
    _reference("show_id", "shows"),
    _reference("person_id", "people"),
    Column("category", Code, nullable=False),
    Column("category_name", Text),
    Column("billing_order", Integer),
    Column("jobs", ARRAY(Text)),
    Column("roles", JSONB),
    Column("credited_as", Text),
    *_credit_columns(),
    Column("episode_count", Integer),
    Column("start_year", SmallInteger),
    Column("end_year", SmallInteger),
    UniqueConstraint("show_id", "person_id", "category"),
    CheckConstraint("category <> ''", name="category"),
    CheckConstraint("billing_order > 0", name="billing_order"),
    CheckConstraint("episode_count >= 0", name="episode_count"),
    Index("ix_credits_show_id_category_billing_order", "show_id", "category", "billing_order"),
    Index("ix_credits_person_id", "person_id"),
)

# Somebody's work on an episode, in one category.
episode_credits = _entity(
    "episode_credits",
    _reference("episode_id", "episodes"),
    _reference("person_id", "people"),
    Column("category", Code, nullable=False),
    Column("jobs", ARRAY(Text)),
    Column("guest", Boolean),
    *_credit_columns(),
    UniqueConstraint("episode_id", "person_id", "category"),
    CheckConstraint("category <> ''", name="category"),
    Index("ix_episode_credits_person_id", "person_id"),
)

# Pictures, wherever they are shown.
images = _entity(
    "images",
    Column("url", Text),
    Column("source_id", Text),
    Column("width", Integer),
    Column("height", Integer),
    Column("image_type", Text),
    Column("section", Text),
    Column("caption", Text),
    Column("copyright", Text),
    Column("language", Text),
    Column("country", Text),
    Column("rating", Numeric(5, 3)),
    Column("vote_count", Integer),
    # As the source names them: a title may be a show or an episode that nobody has described yet.
    Column("person_ids", ARRAY(Text)),
    Column("title_ids", ARRAY(Text)),
    CheckConstraint("width > 0", name="width"),
    CheckConstraint("height > 0", name="height"),
    CheckConstraint("rating BETWEEN 0 AND 10", name="rating"),
    CheckConstraint("vote_count >= 0", name="vote_count"),
)

# The place of a picture with a show, a season of it, or a person.
gallery_entries = _entity(
    "gallery_entries",
    _reference("picture_id", "images"),
    _reference("show_id", "shows", nullable=True),
    _reference("person_id", "people", nullable=True),
    Column("season_number", Integer),
    Column("position", Integer),
    UniqueConstraint("picture_id", "show_id", "person_id", postgresql_nulls_not_distinct=True),
    CheckConstraint("num_nonnulls(show_id, person_id) = 1", name="owner"),
    CheckConstraint("season_number >= 0", name="season_number"),
    CheckConstraint("position > 0", name="position"),
    Index("ix_gallery_entries_show_id_position", "show_id", "position"),
    Index("ix_gallery_entries_person_id_position", "person_id", "position"),
)

# Lists, as people keep them at the sources.
lists = _entity(
    "lists",
    Column("name", Text),
    Column("description", Text),
    Column("author", Text),
    Column("total_entries", Integer),
    CheckConstraint("total_entries >= 0", name="total_entries"),
)

# The place of a title or an episode on a list.
list_entries = _entity(
    "list_entries",
    _reference("list_id", "lists"),
    _reference("show_id", "shows"),
    _reference("episode_id", "episodes", nullable=True),
    Column("occurrence", Integer, nullable=False),
    Column("position", Integer),
    Column("note", Text),
    Column("added_on", Date),
    UniqueConstraint("list_id", "show_id", "episode_id", "occurrence", postgresql_nulls_not_distinct=True),
    CheckConstraint("occurrence > 0", name="occurrence"),
    CheckConstraint("position > 0", name="position"),
    Index("ix_list_entries_list_id_position", "list_id", "position"),
    Index("ix_list_entries_show_id", "show_id"),
    Index("ix_list_entries_episode_id", "episode_id"),
)

# Who first shows it.
networks = _entity(
    "networks",
    Column("name", Text),
    Column("country", Text),
    Column("headquarters", Text),
    Column("homepage", Text),
    Column("logo_url", Text),
    Column("logos", JSONB),
    Index("ix_networks_name", "name"),
)

# Who makes it.
companies = _entity(
    "companies",
    Column("name", Text),
    Column("country", Text),
    Column("headquarters", Text),
    Column("homepage", Text),
    Column("description", Text),
    # As the source names it: nobody may have described that company yet.
    Column("owner_id", Text),
    Column("logo_url", Text),
    Column("logos", JSONB),
    Index("ix_companies_name", "name"),
)

# Who offers it.
watch_providers = _entity(
    "watch_providers",
    Column("name", Text),
    Column("logo_url", Text),
    Index("ix_watch_providers_name", "name"),
)

# A provider's offer of a show in a region, on one kind of terms.
offers = _entity(
    "offers",
    _reference("show_id", "shows"),
    Column("region", Code, nullable=False),
    Column("offer_type", Code, nullable=False),
    _reference("provider_id", "watch_providers"),
    Column("display_priority", Integer),
    Column("link", Text),
    Column("note", Text),
    UniqueConstraint("show_id", "region", "offer_type", "provider_id"),
    CheckConstraint("region <> ''", name="region"),
    CheckConstraint("offer_type <> ''", name="offer_type"),
    Index("ix_offers_provider_id_region", "provider_id", "region"),
)

# Pages of wikis, and whom they are about.
fandom_pages = _entity(
    "fandom_pages",
    Column("wiki", Code),
    Column("page_id", BigInteger),
    Column("title", Text),
    Column("display_title", Text),
    Column("aliases", ARRAY(Text)),
    Column("url", Text),
    Column("revision_id", BigInteger),
    Column("categories", ARRAY(Text)),
    Column("infobox", JSONB),
    Column("seasons", JSONB),
    Column("relations", JSONB),
    Column("summary", Text),
    Column("taglines", JSONB),
    Column("seating", JSONB),
    Column("trivia", ARRAY(Text)),
    # Whose page was looked for, and why it is theirs or is not.
    Column("wanted_name", Text),
    Column("wanted_id", Code),
    Column("evidence", ARRAY(Text)),
    Column("reason", Text),
    # Whom it is attached to: `external_ids` knows who that is (kind person, source fandom).
    Column("person_key", Code),
    Index("ix_fandom_pages_wiki_page_id", "wiki", "page_id"),
    Index("ix_fandom_pages_person_key", "person_key"),
)

# Where pictures are kept. None of this is derived, so no merge touches it: what was fetched belongs to an address, and
# the bytes that came to their SHA-256, whatever things of the catalog use them.
image_files = Table(
    "image_files",
    metadata,
    Column("sha256", Code, primary_key=True),
    Column("content_type", Code, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    # What follows needs the pixels: null where IMAGES_VARIANTS is off.
    Column("dominant_colour", Code),
    Column("blurhash", Code),
    Column("perceptual_hash", BIT(128)),
    _timestamp("stored_at"),
    CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
    CheckConstraint("bytes > 0", name="bytes"),
    CheckConstraint("width > 0", name="width"),
    CheckConstraint("height > 0", name="height"),
)

# What is stored of each file: itself, and its thumbnails.
image_objects = Table(
    "image_objects",
    metadata,
    Column("key", Code, primary_key=True),
    Column("sha256", Code, ForeignKey("image_files.sha256", ondelete="RESTRICT"), nullable=False),
    # "original", "png", or the width of a thumbnail.
    Column("variant", Code, nullable=False),
    Column("content_type", Code, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    # s3://bucket, or the local folder.
    Column("store", Code, nullable=False),
    # Where readers find it.
    Column("url", Text, nullable=False),
    UniqueConstraint("sha256", "variant"),
    CheckConstraint("bytes > 0", name="bytes"),
    CheckConstraint("width > 0", name="width"),
    CheckConstraint("height > 0", name="height"),
)

# What each address gave.
image_sources = Table(
    "image_sources",
    metadata,
    # As the source gives it, case-exact.
    Column("url", Code, primary_key=True),
    Column("sha256", Code, ForeignKey("image_files.sha256", ondelete="RESTRICT")),
    Column("etag", Text),
    Column("last_modified", Text),
    # Why the last answer was no picture; what came before stays.
    Column("error", Text),
    Column("run_id", Uuid, ForeignKey("crawl_runs.id", ondelete="RESTRICT")),
    _timestamp("fetched_at"),
    _timestamp("checked_at"),
    CheckConstraint("num_nonnulls(sha256, error) > 0", name="known"),
    Index("ix_image_sources_sha256", "sha256"),
)

# The picture that stands for a show, season or person.
primary_images = Table(
    "primary_images",
    metadata,
    Column("entity_id", Uuid, primary_key=True),
    # "poster", "backdrop", "logo", "photo".
    Column("role", Code, primary_key=True),
    Column("url", Text, nullable=False),
    # A source, or "override".
    Column("source", Code, nullable=False),
)

ENTITIES: Final[dict[str, Table]] = {
    "show": shows,
    "season": seasons,
    "episode": episodes,
    "person": people,
    "image": images,
    "list": lists,
    "network": networks,
    "company": companies,
    "watch_provider": watch_providers,
    "credit": credits_,
    "episode_credit": episode_credits,
    "gallery_entry": gallery_entries,
    "list_entry": list_entries,
    "offer": offers,
    "fandom_page": fandom_pages,
}
"""The derived table of each kind, parents before children."""

# Operations: what the crawls themselves remember. Nothing of it says anything about reality TV.

# How the last crawl of each thing ended.
crawl_states = Table(
    "crawl_states",
    metadata,
    Column("spider", Code, primary_key=True),
    # The thing's id at the spider's source.
    Column("subject", Code, primary_key=True),
    _timestamp("tried_at", default=False),
    Column("outcome", Code, nullable=False),
    Column("reason", Text),
    Column("run_id", Uuid, ForeignKey("crawl_runs.id", ondelete="RESTRICT")),
    # When the last crawl began that got all of it.
    _timestamp("ok_at", nullable=True, default=False),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    _timestamp("next_try_at", nullable=True, default=False),
    # How many seasons the catalog promised then.
    Column("seasons", Integer),
    _one_of("outcome", ("ok", "failed", "blocked", "interrupted")),
    CheckConstraint("outcome <> 'ok' OR ok_at IS NOT NULL", name="ok_at"),
    CheckConstraint("failures >= 0", name="failures"),
    Index("ix_crawl_states_run_id", "run_id"),
)

# How many things a spider last crawled well on each day (UTC), kept by triggers on `crawl_states`.
crawl_freshness = Table(
    "crawl_freshness",
    metadata,
    Column("spider", Code, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("things", BigInteger, nullable=False),
)

SEVERITIES: Final = ("warning", "error")

# What the checks found that are made after each run, and what the scheduler found late; see `monitoring/`.
crawl_findings = Table(
    "crawl_findings",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # The same finding twice is one.
    Column("dedupe_key", Code, nullable=False),
    # Runs that are compared with each other: a spider and the names of its arguments, or a schedule.
    Column("scope", Code, nullable=False),
    Column("rule", Code, nullable=False),
    Column("severity", Code, nullable=False),
    # What it is about within the scope: a field, a host; empty for the run as a whole.
    Column("subject", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("advice", Text, nullable=False),
    Column("run_id", Uuid, ForeignKey("crawl_runs.id", ondelete="RESTRICT")),
    _timestamp("at"),
    # When a later run was checked for the same and was better, or has a finding of its own.
    _timestamp("resolved_at", nullable=True, default=False),
    _timestamp("acknowledged_at", nullable=True, default=False),
    Column("acknowledged_by", Text),
    UniqueConstraint("dedupe_key"),
    _one_of("severity", SEVERITIES),
    CheckConstraint("(acknowledged_at IS NULL) = (acknowledged_by IS NULL)", name="acknowledged"),
    Index("ix_crawl_findings_at", "at"),
    Index("ix_crawl_findings_run_id", "run_id"),
    Index("ix_crawl_findings_open", "scope", postgresql_where=text("resolved_at IS NULL")),
)

# Who is told what is found; the addresses are configuration, see `trr_crawl/alerts/`.
alert_targets = Table(
    "alert_targets",
    metadata,
    Column("name", Code, primary_key=True),
    # Nothing milder is told.
    Column("severity", Code, nullable=False),
    _timestamp("added_at"),
    _one_of("severity", SEVERITIES),
)

ALERT_EVENTS: Final = ("opened", "resolved")

# The outbox: what is to be told to whom, written with the finding.
alerts = Table(
    "alerts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # Names the alert to its receiver, the same in every attempt.
    Column("message_id", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    Column("finding_id", BigInteger, ForeignKey("crawl_findings.id", ondelete="RESTRICT"), nullable=False),
    Column("event", Code, nullable=False),
    Column("target", Code, nullable=False),
    _timestamp("at"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _timestamp("next_try_at"),
    # Why the last attempt failed, and whether the receiver was there and would not have it.
    Column("last_error", Text),
    Column("refused", Boolean, nullable=False, server_default=text("false")),
    _timestamp("delivered_at", nullable=True, default=False),
    _timestamp("gave_up_at", nullable=True, default=False),
    UniqueConstraint("finding_id", "event", "target"),
    _one_of("event", ALERT_EVENTS),
    CheckConstraint("delivered_at IS NULL OR gave_up_at IS NULL", name="ended"),
    Index("ix_alerts_waiting", "target", "id", postgresql_where=text("delivered_at IS NULL AND gave_up_at IS NULL")),
)

# What a run is at just now, so that no other does the same.
crawl_leases = Table(
    "crawl_leases",
    metadata,
    Column("spider", Code, primary_key=True),
    Column("subject", Code, primary_key=True),
    # The run that is at it.
    Column("owner_id", Uuid, nullable=False),
    _timestamp("taken_at"),
    _timestamp("expires_at", default=False),
    Index("ix_crawl_leases_owner_id", "owner_id"),
)

# What a source's own feed of changes named.
source_changes = Table(
    "source_changes",
    metadata,
    Column("source", Code, primary_key=True),
    Column("kind", Code, primary_key=True),
    Column("key", Code, primary_key=True),
    _timestamp("noted_at", default=False),
)

# Which crawls run when.
schedules = Table(
    "schedules",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Code, nullable=False),
    Column("spider", Code, nullable=False),
    Column("args", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("cron", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    # So many jobs at once, which share the work.
    Column("workers", SmallInteger, nullable=False, server_default=text("1")),
    # The latest time by the cron expression for which runs were made.
    _timestamp("last_slot_at", default=False),
    # The time after that; when it is over and nothing was made of it, no scheduler runs.
    _timestamp("next_slot_at", nullable=True, default=False),
    _timestamp("created_at"),
    _timestamp("paused_at", nullable=True, default=False),
    _timestamp("removed_at", nullable=True, default=False),
    CheckConstraint("name <> ''", name="name"),
    CheckConstraint("workers BETWEEN 1 AND 64", name="workers"),
    Index("uq_schedules_name", "name", unique=True, postgresql_where=text("removed_at IS NULL")),
)

SCHEDULE_RUN_STATES: Final = ("waiting", "sent", "running", "finished", "skipped")

# What was made of each time of a schedule, job by job.
schedule_runs = Table(
    "schedule_runs",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("new_id()")),
    Column("schedule_id", BigInteger, ForeignKey("schedules.id", ondelete="RESTRICT"), nullable=False),
    _timestamp("slot_at", default=False),
    Column("worker", SmallInteger, nullable=False),
    Column("state", Code, nullable=False, server_default=text("'waiting'")),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("node", Text),
    Column("job_id", Text),
    Column("outcome", Text),
    Column("reason", Text),
    _timestamp("created_at"),
    _timestamp("sent_at", nullable=True, default=False),
    # Since when its node is asked to stop it.
    _timestamp("cancelled_at", nullable=True, default=False),
    _timestamp("finished_at", nullable=True, default=False),
    _one_of("state", SCHEDULE_RUN_STATES),
    UniqueConstraint("schedule_id", "slot_at", "worker"),
    Index("ix_schedule_runs_open", "state", postgresql_where=text("finished_at IS NULL")),
)

# What is known of each Scrapyd node.
fleet_nodes = Table(
    "fleet_nodes",
    metadata,
    Column("url", Text, primary_key=True),
    # When it last answered as it should.
    _timestamp("seen_at", nullable=True, default=False),
    # Since when it has jobs waiting and runs none.
    _timestamp("stuck_since", nullable=True, default=False),
    Column("problem", Text),
)

# Whose turn it is at a host, over all nodes.
host_turns = Table(
    "host_turns",
    metadata,
    Column("host", Code, primary_key=True),
    # When the next request of any node may go out.
    _timestamp("next_at", default=False),
    # Written with every request: room on the page keeps that off the index.
    postgresql_with={"fillfactor": 50},
)
