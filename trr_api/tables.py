"""The API's own tables, on the catalog's MetaData: API keys, accounts, what people write, and what they are asked.

The tables of `SOCIAL` are under row-level security: which role may do what is in the migration that makes them.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

from trr_crawl.catalog.tables import Code, metadata

SCOPES: Final = ("review:read", "overrides:write", "identity:write", "crawls:read", "crawls:admin")
"""What an API key may allow."""

ROLES: Final = ("user", "moderator", "admin")
"""What a person may be; each may do what those before it may."""

THREAD_TYPES: Final = ("episode_live", "post_episode", "spoilers", "general")

REACTIONS: Final = ("upvote", "downvote", "lol", "shade", "fire", "heart")

NOTIFICATIONS: Final = ("reply", "mention")

SURVEY_KINDS: Final = ("survey", "quiz", "poll", "prediction", "ranking")
"""A game is a survey that has answer keys, and scores in the end; a poll is one that has none."""

QUESTION_TYPES: Final = ("single_choice", "multiple_choice", "ranking", "numeric", "free_text", "rating")

CONSENTS: Final = ("terms", "privacy", "mail")

LONGEST_POST: Final = 10_000
"""Characters."""

LONGEST_MESSAGE: Final = 10_000
"""Characters."""

LARGEST_GROUP: Final = 100
"""Members of a conversation."""

WRITERS: Final = ("everyone", "known", "nobody")
"""Who may begin to write to a person; those are known with whom they share a conversation."""
LONGEST_ANSWER: Final = 2_000
"""Characters."""

MOST_QUESTIONS: Final = 50
MOST_OPTIONS: Final = 100

DEEPEST_POST: Final = 500
"""Answers to answers; the number of the first is 1."""


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _id() -> Column[object]:
    return Column("id", Uuid, primary_key=True, server_default=text("new_id()"))


def _now(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=text("now()"))


def _when(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True))


def _to(name: str, table: str, *, nullable: bool = False) -> Column[object]:
    """A reference; nothing that somebody wrote goes away with what it is about."""
    return Column(name, Uuid, ForeignKey(f"{table}.id", ondelete="RESTRICT"), nullable=nullable)


# A key is 256 random bits: its hash needs no salt and no slowness.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("new_id()")),
    Column("name", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("revoked_at", DateTime(timezone=True)),
    UniqueConstraint("hash"),
    CheckConstraint("name <> ''", name="name"),
    CheckConstraint("octet_length(hash) = 32", name="hash"),
)

# People, as others see them.
users = Table(
    "users",
    metadata,
    _id(),
    # As others write it after an @.
    Column("name", Code, nullable=False),
    Column("display_name", Text),
    Column("bio", Text),
    # Of the picture in the store; it was acknowledged before.
    Column("avatar_url", Text),
    Column("role", Code, nullable=False, server_default=text("'user'")),
    _now("created_at"),
    UniqueConstraint("name"),
    CheckConstraint("name ~ '^[a-z0-9_]{3,30}$'", name="name"),
    CheckConstraint("length(display_name) BETWEEN 1 AND 60", name="display_name"),
    CheckConstraint("length(bio) <= 1000", name="bio"),
    _one_of("role", ROLES),
)

# How somebody logs in with a password.
credentials = Table(
    "credentials",
    metadata,
    _id(),
    _to("user_id", "users"),
    # In small letters.
    Column("email", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    _now("changed_at"),
    UniqueConstraint("user_id"),
    UniqueConstraint("email"),
    CheckConstraint("email = lower(email) AND email LIKE '%_@_%'", name="email"),
)

# Who an identity provider says that somebody is.
identities = Table(
    "identities",
    metadata,
    _id(),
    _to("user_id", "users"),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    _now("created_at"),
    UniqueConstraint("issuer", "subject"),
    Index("ix_identities_user_id", "user_id"),
)

# A log-in on one device: a family of refresh tokens, of which only the newest is good.
sessions = Table(
    "sessions",
    metadata,
    _id(),
    _to("user_id", "users"),
    _now("created_at"),
    _now("used_at"),
    _when("revoked_at"),
    Index("ix_sessions_user_id", "user_id"),
)

# Each is good once.
refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    _id(),
    _to("session_id", "sessions"),
    Column("hash", LargeBinary, nullable=False),
    _now("created_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    _when("used_at"),
    UniqueConstraint("hash"),
    Index("ix_refresh_tokens_session_id", "session_id"),
    CheckConstraint("octet_length(hash) = 32", name="hash"),
)

# How far somebody has watched a show. Two shows may become one: of several rows the newest counts.
progress = Table(
    "progress",
    metadata,
    _id(),
    _to("user_id", "users"),
    _to("show_id", "shows"),
    Column("season_number", Integer, nullable=False),
    Column("episode_number", Integer, nullable=False),
    _now("created_at"),
    CheckConstraint("season_number >= 0", name="season_number"),
    CheckConstraint("episode_number >= 0", name="episode_number"),
    Index("ix_progress_user_id_show_id", "user_id", "show_id"),
    Index("ix_progress_show_id", "show_id"),
)

_THREAD_ORDER: Final = ("is_sticky", "last_post_at", "id")

# Discussions of a show, a season or an episode.
threads = Table(
    "threads",
    metadata,
    _id(),
    _to("show_id", "shows"),
    _to("season_id", "seasons", nullable=True),
    _to("episode_id", "episodes", nullable=True),
    Column("type", Code, nullable=False),
    Column("title", Text, nullable=False),
    _to("author_id", "users"),
    _now("created_at"),
    # Before this moment nobody writes: when the episode is on air.
    _when("opens_at"),
    Column("is_sticky", Boolean, nullable=False, server_default=text("false")),
    _when("locked_at"),
    _when("removed_at"),
    Column("post_count", Integer, nullable=False, server_default=text("0")),
    _now("last_post_at"),
    _one_of("type", THREAD_TYPES),
    CheckConstraint("length(title) BETWEEN 1 AND 200", name="title"),
    CheckConstraint(
        "CASE WHEN type IN ('episode_live', 'post_episode') THEN episode_id IS NOT NULL AND season_id IS NULL "
        "ELSE season_id IS NULL OR episode_id IS NULL END",
        name="subject",
    ),
    # In the order of the lists.
    Index("ix_threads_by_show", "show_id", *_THREAD_ORDER),
    Index("ix_threads_by_show_and_type", "show_id", "type", *_THREAD_ORDER),
    Index("ix_threads_by_season", "season_id", *_THREAD_ORDER, postgresql_where=text("season_id IS NOT NULL")),
    Index("ix_threads_by_episode", "episode_id", *_THREAD_ORDER, postgresql_where=text("episode_id IS NOT NULL")),
    Index("ix_threads_author_id", "author_id"),
)

_TOP_LEVEL: Final = text("parent_id IS NULL")

# What people write, in trees.
posts = Table(
    "posts",
    metadata,
    _id(),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    _to("thread_id", "threads"),
    _to("parent_id", "posts", nullable=True),
    # The first of its branch: itself where nothing is above it.
    Column("root_id", Uuid, nullable=False),
    # Numbers from the first of the branch down to its own: in this order a branch reads from top to bottom.
    Column("path", ARRAY(BigInteger), nullable=False),
    _to("author_id", "users"),
    # Whoever has not seen this episode is not shown the post.
    _to("about_episode_id", "episodes", nullable=True),
    Column("body", Text, nullable=False),
    Column("html", Text, nullable=False),
    _now("created_at"),
    _when("edited_at"),
    # By its author.
    _when("deleted_at"),
    # By a moderator.
    _when("removed_at"),
    Column("reply_count", Integer, nullable=False, server_default=text("0")),
    *(Column(f"{reaction}s", Integer, nullable=False, server_default=text("0")) for reaction in REACTIONS),
    Column("score", Integer, Computed("upvotes - downvotes", persisted=True), nullable=False),
    # Votes by orders of magnitude, and the time of writing: 12.5 hours weigh as much as ten times the votes.
    Column("hot", Double, nullable=False),
    Column("words", TSVECTOR, Computed("to_tsvector('english', body)", persisted=True), nullable=False),
    UniqueConstraint("number"),
    CheckConstraint(
        f"length(body) <= {LONGEST_POST} AND (body <> '' OR deleted_at IS NOT NULL OR removed_at IS NOT NULL)",
        name="body",
    ),
    CheckConstraint(f"cardinality(path) BETWEEN 1 AND {DEEPEST_POST}", name="path"),
    *(CheckConstraint(f"{reaction}s >= 0", name=f"{reaction}s") for reaction in REACTIONS),
    Index("ix_posts_thread_id_number", "thread_id", "number"),
    Index("ix_posts_thread_id_score_number", "thread_id", "score", "number", postgresql_where=_TOP_LEVEL),
    Index("ix_posts_thread_id_hot_number", "thread_id", "hot", "number", postgresql_where=_TOP_LEVEL),
    Index("ix_posts_parent_id_number", "parent_id", "number"),
    Index("ix_posts_root_id", "root_id"),
    Index("ix_posts_author_id_number", "author_id", "number"),
    Index("ix_posts_about_episode_id", "about_episode_id"),
    Index("ix_posts_words", "words", postgresql_using="gin"),
)

# What a post was before it was changed, deleted or removed.
post_edits = Table(
    "post_edits",
    metadata,
    _id(),
    _to("post_id", "posts"),
    Column("body", Text, nullable=False),
    Column("html", Text, nullable=False),
    _now("replaced_at"),
    Index("ix_post_edits_post_id_replaced_at", "post_id", "replaced_at"),
)

# Of two devices that vote at once, one is first.
_IS_VOTE = text("reaction IN ('upvote', 'downvote')")

# What somebody thinks of a post.
reactions = Table(
    "reactions",
    metadata,
    _id(),
    _to("post_id", "posts"),
    _to("user_id", "users"),
    Column("reaction", Code, nullable=False),
    _now("created_at"),
    UniqueConstraint("post_id", "user_id", "reaction"),
    _one_of("reaction", REACTIONS),
    Index("ix_reactions_user_id", "user_id"),
    Index("ix_reactions_vote", "post_id", "user_id", unique=True, postgresql_where=_IS_VOTE),
)

# Who answered or named somebody.
notifications = Table(
    "notifications",
    metadata,
    _id(),
    _to("user_id", "users"),
    Column("kind", Code, nullable=False),
    _to("post_id", "posts"),
    _now("created_at"),
    _when("read_at"),
    _one_of("kind", NOTIFICATIONS),
    UniqueConstraint("user_id", "post_id"),
    Index("ix_notifications_user_id_id", "user_id", "id"),
    Index("ix_notifications_post_id", "post_id"),
)

# Posts and messages that a moderator is to look at.
reports = Table(
    "reports",
    metadata,
    _id(),
    _to("post_id", "posts", nullable=True),
    _to("message_id", "messages", nullable=True),
    _to("reporter_id", "users"),
    Column("reason", Text, nullable=False),
    _now("created_at"),
    Column("outcome", Code),
    _when("resolved_at"),
    _to("resolved_by", "users", nullable=True),
    UniqueConstraint("post_id", "reporter_id"),
    UniqueConstraint("message_id", "reporter_id"),
    CheckConstraint("num_nonnulls(post_id, message_id) = 1", name="subject"),
    CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="reason"),
    _one_of("outcome", ("upheld", "dismissed")),
    Index("ix_reports_open", "id", postgresql_where=text("resolved_at IS NULL")),
    Index("ix_reports_reporter_id", "reporter_id"),
    Index("ix_reports_resolved_by", "resolved_by"),
)

# Who may not write.
bans = Table(
    "bans",
    metadata,
    _id(),
    _to("user_id", "users"),
    Column("reason", Text, nullable=False),
    _now("created_at"),
    # Null: for good.
    _when("ends_at"),
    CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="reason"),
    CheckConstraint("ends_at > created_at", name="ends_at"),
    Index("ix_bans_user_id", "user_id"),
)

# For everybody to see: what moderators did, and why.
moderation_log = Table(
    "moderation_log",
    metadata,
    _id(),
    _to("moderator_id", "users"),
    Column("action", Code, nullable=False),
    _to("thread_id", "threads", nullable=True),
    _to("post_id", "posts", nullable=True),
    _to("user_id", "users", nullable=True),
    Column("reason", Text),
    _now("at"),
    Index("ix_moderation_log_moderator_id", "moderator_id"),
    Index("ix_moderation_log_thread_id", "thread_id"),
    Index("ix_moderation_log_post_id", "post_id"),
    Index("ix_moderation_log_user_id", "user_id"),
)

# What two people write to each other, or a group.
conversations = Table(
    "conversations",
    metadata,
    _id(),
    Column("is_group", Boolean, nullable=False, server_default=text("false")),
    Column("title", Text),
    # Of two people, the lesser id first: they have one conversation.
    Column("direct_key", Code),
    _now("created_at"),
    # Of messages; whoever writes locks the row, so that there are no gaps.
    Column("last_number", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("direct_key"),
    CheckConstraint("is_group = (direct_key IS NULL) AND is_group = (title IS NOT NULL)", name="kind"),
    CheckConstraint("length(title) BETWEEN 1 AND 100", name="title"),
)

# What the members of a conversation know of each other.
conversation_members = Table(
    "conversation_members",
    metadata,
    _id(),
    _to("conversation_id", "conversations"),
    _to("user_id", "users"),
    Column("role", Code, nullable=False, server_default=text("'member'")),
    _now("joined_at"),
    # They see the messages after this one.
    Column("joined_after", Integer, nullable=False, server_default=text("0")),
    Column("read_number", Integer, nullable=False, server_default=text("0")),
    _when("read_at"),
    UniqueConstraint("conversation_id", "user_id"),
    _one_of("role", ("owner", "member")),
    Index("ix_conversation_members_user_id", "user_id"),
)

# What one member alone knows: a row is kept beside that of the members by the triggers of messages.
inboxes = Table(
    "inboxes",
    metadata,
    _id(),
    _to("conversation_id", "conversations"),
    _to("user_id", "users"),
    # Of the last message that came to them.
    Column("last_number", Integer, nullable=False, server_default=text("0")),
    _now("last_at"),
    # Messages of others after `read_number`.
    Column("unread", Integer, nullable=False, server_default=text("0")),
    # 'infinity': until they say otherwise.
    _when("muted_until"),
    UniqueConstraint("conversation_id", "user_id"),
    CheckConstraint("unread >= 0", name="unread"),
    Index("ix_inboxes_user_id_last_at_conversation_id", "user_id", "last_at", "conversation_id"),
    Index("ix_inboxes_unread", "user_id", postgresql_where=text("unread > 0")),
)

messages = Table(
    "messages",
    metadata,
    _id(),
    _to("conversation_id", "conversations"),
    Column("number", Integer, nullable=False),
    _to("sender_id", "users"),
    # Chosen by the sender: a message that is sent again is the same one.
    Column("client_message_id", Uuid),
    Column("body", Text, nullable=False),
    Column("html", Text, nullable=False),
    # The sender alone sees it: the other one has blocked them.
    Column("is_withheld", Boolean, nullable=False, server_default=text("false")),
    _now("created_at"),
    _when("edited_at"),
    # Since then it has no text.
    _when("redacted_at"),
    # The same moment, where a moderator took the text away.
    _when("removed_at"),
    UniqueConstraint("conversation_id", "number"),
    UniqueConstraint("conversation_id", "sender_id", "client_message_id"),
    CheckConstraint(f"length(body) <= {LONGEST_MESSAGE} AND (body <> '' OR redacted_at IS NOT NULL)", name="body"),
    CheckConstraint("removed_at IS NULL OR redacted_at IS NOT NULL", name="removed_at"),
    Index("ix_messages_sender_id", "sender_id"),
)

message_reactions = Table(
    "message_reactions",
    metadata,
    _id(),
    _to("message_id", "messages"),
    _to("user_id", "users"),
    Column("reaction", Code, nullable=False),
    Column("is_withheld", Boolean, nullable=False, server_default=text("false")),
    _now("created_at"),
    UniqueConstraint("message_id", "user_id", "reaction"),
    _one_of("reaction", REACTIONS),
    Index("ix_message_reactions_user_id", "user_id"),
    Index("ix_message_reactions_vote", "message_id", "user_id", unique=True, postgresql_where=_IS_VOTE),
)

# Whoever has no row lets everyone write.
message_settings = Table(
    "message_settings",
    metadata,
    _id(),
    _to("user_id", "users"),
    Column("writers", Code, nullable=False),
    UniqueConstraint("user_id"),
    _one_of("writers", WRITERS),
)

blocks = Table(
    "blocks",
    metadata,
    _id(),
    _to("blocker_id", "users"),
    _to("blocked_id", "users"),
    _now("created_at"),
    UniqueConstraint("blocker_id", "blocked_id"),
    CheckConstraint("blocked_id <> blocker_id", name="blocked_id"),
    Index("ix_blocks_blocked_id", "blocked_id"),
)

# Events, written with the change that they tell of. Numbers are taken before commits: `trr_api.realtime.relay` says how
# one reads on without passing over what commits late.
outbox = Table(
    "outbox",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("topic", Code, nullable=False),
    Column("event", Code, nullable=False),
    Column("payload", JSONB, nullable=False),
    _now("at"),
    Index("ix_outbox_topic_seq", "topic", "seq"),
    # Those that have the text of a message, which may be taken back.
    Index(
        "ix_outbox_message",
        text("(payload->>'id')"),
        postgresql_where=text("event IN ('dm_message_created', 'dm_message_edited')"),
    ),
)

# Which devices look at a topic now. A row that its process does not renew is old; a crash of the server forgets all,
# and the processes write theirs again.
presences = Table(
    "presences",
    metadata,
    Column("device_id", Uuid, primary_key=True),
    Column("topic", Code, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    _now("seen_at"),
    Index("ix_presences_topic", "topic"),
    prefixes=["UNLOGGED"],
)

# What somebody agreed to and when. A version that is agreed to later has a row of its own.
consents = Table(
    "consents",
    metadata,
    _id(),
    _to("user_id", "users"),
    Column("subject", Code, nullable=False),
    Column("version", Text, nullable=False),
    _now("agreed_at"),
    _when("withdrawn_at"),
    _one_of("subject", CONSENTS),
    CheckConstraint("length(version) BETWEEN 1 AND 50", name="version"),
    Index("ix_consents_user_id", "user_id"),
)

# A draft until it is published; its questions never change after that.
surveys = Table(
    "surveys",
    metadata,
    _id(),
    Column("kind", Code, nullable=False),
    _to("show_id", "shows"),
    # Also where it is about an episode: the leaderboard that the game counts for.
    _to("season_id", "seasons", nullable=True),
    _to("episode_id", "episodes", nullable=True),
    _to("author_id", "users"),
    Column("title", Text, nullable=False),
    Column("description", Text),
    # Answered with a token of the API that names nobody, and by nobody's name.
    Column("is_anonymous", Boolean, nullable=False),
    _when("starts_at"),
    _when("ends_at"),
    _now("created_at"),
    _when("published_at"),
    _when("closed_at"),
    # Null: not yet, or not since an answer key was set.
    _when("scored_at"),
    _one_of("kind", SURVEY_KINDS),
    CheckConstraint("length(title) BETWEEN 1 AND 200", name="title"),
    CheckConstraint("length(description) <= 5000", name="description"),
    CheckConstraint("ends_at > starts_at", name="ends_at"),
    CheckConstraint("NOT is_anonymous OR kind IN ('survey', 'poll')", name="is_anonymous"),
    CheckConstraint("published_at IS NOT NULL OR closed_at IS NULL", name="closed_at"),
    Index("ix_surveys_created_at_id", "created_at", "id"),
    Index("ix_surveys_show_id_created_at_id", "show_id", "created_at", "id"),
    Index("ix_surveys_season_id", "season_id"),
    Index("ix_surveys_episode_id", "episode_id"),
    Index("ix_surveys_author_id", "author_id"),
)

questions = Table(
    "questions",
    metadata,
    _id(),
    _to("survey_id", "surveys"),
    Column("position", Integer, nullable=False),
    Column("type", Code, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("is_required", Boolean, nullable=False),
    # Of the number; of how many options; of the characters of a text.
    Column("minimum", Numeric),
    Column("maximum", Numeric),
    Column("step", Numeric),
    Column("shuffle_options", Boolean, nullable=False),
    # Only asked where this option (by positions) of an earlier question was chosen.
    Column("shown_if_question", Integer),
    Column("shown_if_option", Integer),
    _one_of("type", QUESTION_TYPES),
    CheckConstraint("length(prompt) BETWEEN 1 AND 1000", name="prompt"),
    CheckConstraint("maximum >= minimum", name="maximum"),
    CheckConstraint("step > 0", name="step"),
    CheckConstraint("type NOT IN ('numeric', 'rating') OR maximum > minimum", name="range"),
    CheckConstraint(
        "num_nulls(shown_if_question, shown_if_option) IN (0, 2) AND shown_if_question < position", name="shown_if"
    ),
    UniqueConstraint("survey_id", "position"),
)

options = Table(
    "options",
    metadata,
    _id(),
    _to("question_id", "questions"),
    Column("position", Integer, nullable=False),
    Column("label", Text, nullable=False),
    CheckConstraint("length(label) BETWEEN 1 AND 200", name="label"),
    UniqueConstraint("question_id", "position"),
)

# What is right, for games. Nobody reads it before the game is over, moderators neither.
answer_keys = Table(
    "answer_keys",
    metadata,
    _id(),
    _to("question_id", "questions"),
    # As an answer; {number, tolerance} for numbers, {texts} for free text.
    Column("key", JSONB, nullable=False),
    Column("points", Integer, nullable=False),
    _now("set_at"),
    CheckConstraint("points BETWEEN 1 AND 1000", name="points"),
    UniqueConstraint("question_id"),
)

# One document, because a response is checked, changed and erased as a whole: question's id -> {option_ids}, {number}
# or {text}.
responses = Table(
    "responses",
    metadata,
    _id(),
    _to("survey_id", "surveys"),
    _to("user_id", "users", nullable=True),
    # Of the token, where the survey is anonymous; null once nothing can be changed any more.
    Column("token_hash", LargeBinary),
    Column("answers", JSONB, nullable=False),
    _now("created_at"),
    _now("updated_at"),
    # The number of the results that were out when it was changed last.
    Column("changed_in", Integer, nullable=False),
    CheckConstraint("num_nonnulls(user_id, token_hash) <= 1", name="respondent"),
    CheckConstraint("octet_length(token_hash) = 32", name="token_hash"),
    UniqueConstraint("survey_id", "user_id"),
    UniqueConstraint("survey_id", "token_hash"),
    Index("ix_responses_user_id", "user_id"),
)

# Counts are sums over slots, so that who answers at the same moment seldom waits for another's row. A single slot may
# be below zero.
response_counts = Table(
    "response_counts",
    metadata,
    Column("survey_id", Uuid, ForeignKey("surveys.id", ondelete="RESTRICT"), primary_key=True),
    Column("slot", SmallInteger, primary_key=True),
    Column("responses", BigInteger, nullable=False),
    # Responses that came, changed or went; each once between two results.
    Column("changes", BigInteger, nullable=False),
)

tallies = Table(
    "tallies",
    metadata,
    Column("question_id", Uuid, ForeignKey("questions.id", ondelete="RESTRICT"), primary_key=True),
    # '' (answered at all), an option's id, or a number's place on the scale.
    Column("key", Code, primary_key=True),
    Column("slot", SmallInteger, primary_key=True),
    Column("count", BigInteger, nullable=False),
    # Of the numbers, or of the places in rankings.
    Column("total", Numeric, nullable=False),
)

# What everybody may know, without what would single somebody out.
results = Table(
    "results",
    metadata,
    Column("survey_id", Uuid, ForeignKey("surveys.id", ondelete="RESTRICT"), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("changes", BigInteger, nullable=False),
    Column("body", JSONB, nullable=False),
    _now("published_at"),
)

# A board is a game's, a season's or a show's: the id tells which. Points there are the sums of its games'.
scores = Table(
    "scores",
    metadata,
    Column("board_id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="RESTRICT"), primary_key=True),
    Column("points", Integer, nullable=False),
    Index("ix_scores_board_id_points_user_id", "board_id", "points", "user_id"),
    Index("ix_scores_user_id", "user_id"),
)

# How many have so many points: somebody's rank is a sum over the few that are above.
score_counts = Table(
    "score_counts",
    metadata,
    Column("board_id", Uuid, nullable=False),
    Column("points", Integer, nullable=False),
    Column("people", Integer, nullable=False),
    PrimaryKeyConstraint("board_id", "points", postgresql_include=["people"]),
    CheckConstraint("people >= 0", name="people"),
)

SOCIAL: Final = (
    users,
    credentials,
    identities,
    sessions,
    refresh_tokens,
    progress,
    threads,
    posts,
    post_edits,
    reactions,
    notifications,
    reports,
    bans,
    moderation_log,
    conversations,
    conversation_members,
    inboxes,
    messages,
    message_reactions,
    message_settings,
    blocks,
    outbox,
    consents,
    surveys,
    questions,
    options,
    answer_keys,
    responses,
    response_counts,
    tallies,
    results,
    scores,
    score_counts,
    presences,
)
"""The tables under row-level security."""
