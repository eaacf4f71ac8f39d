"""Accounts and discussions: the tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "transaction", sa.BigInteger(), server_default=sa.text("pg_current_xact_id()::text::bigint"), nullable=False
        ),
        sa.Column("topic", sa.Text(collation="C"), nullable=False),
        sa.Column("event", sa.Text(collation="C"), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_at", "outbox", ["at"], unique=False)
    op.create_index("ix_outbox_topic_seq", "outbox", ["topic", "seq"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("bio", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(collation="C"), server_default=sa.text("'user'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("name ~ '^[a-z0-9_]{3,30}$'", name=op.f("ck_users_name")),
        sa.CheckConstraint("role IN ('user', 'moderator', 'admin')", name=op.f("ck_users_role")),
        sa.CheckConstraint("length(bio) <= 1000", name=op.f("ck_users_bio")),
        sa.CheckConstraint("length(display_name) BETWEEN 1 AND 60", name=op.f("ck_users_display_name")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
    )
    op.create_table(
        "bans",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ends_at > created_at", name=op.f("ck_bans_ends_at")),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 1000", name=op.f("ck_bans_reason")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_bans_user_id_users"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bans")),
    )
    op.create_index("ix_bans_user_id", "bans", ["user_id"], unique=False)
    op.create_table(
        "credentials",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("email = lower(email) AND email LIKE '%_@_%'", name=op.f("ck_credentials_email")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_credentials_user_id_users"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("email", name=op.f("uq_credentials_email")),
        sa.UniqueConstraint("user_id", name=op.f("uq_credentials_user_id")),
    )
    op.create_table(
        "identities",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_identities_user_id_users"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_identities_issuer_subject")),
    )
    op.create_index("ix_identities_user_id", "identities", ["user_id"], unique=False)
    op.create_table(
        "progress",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("show_id", sa.Uuid(), nullable=False),
        sa.Column("season_number", sa.Integer(), nullable=False),
        sa.Column("episode_number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("episode_number >= 0", name=op.f("ck_progress_episode_number")),
        sa.CheckConstraint("season_number >= 0", name=op.f("ck_progress_season_number")),
        sa.ForeignKeyConstraint(["show_id"], ["shows.id"], name=op.f("fk_progress_show_id_shows"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_progress_user_id_users"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_progress")),
    )
    op.create_index("ix_progress_show_id", "progress", ["show_id"], unique=False)
    op.create_index("ix_progress_user_id_show_id", "progress", ["user_id", "show_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id_users"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"], unique=False)
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_refresh_tokens_hash")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_refresh_tokens_session_id_sessions"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_tokens")),
        sa.UniqueConstraint("hash", name=op.f("uq_refresh_tokens_hash")),
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"], unique=False)
    op.create_table(
        "threads",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("show_id", sa.Uuid(), nullable=False),
        sa.Column("season_id", sa.Uuid(), nullable=True),
        sa.Column("episode_id", sa.Uuid(), nullable=True),
        sa.Column("type", sa.Text(collation="C"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_sticky", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("locked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("post_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_post_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "CASE WHEN type IN ('episode_live', 'post_episode') THEN episode_id IS NOT NULL AND season_id IS NULL "
            "ELSE season_id IS NULL OR episode_id IS NULL END",
            name=op.f("ck_threads_subject"),
        ),
        sa.CheckConstraint(
            "type IN ('episode_live', 'post_episode', 'spoilers', 'general')", name=op.f("ck_threads_type")
        ),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 200", name=op.f("ck_threads_title")),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=op.f("fk_threads_author_id_users"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["episode_id"], ["episodes.id"], name=op.f("fk_threads_episode_id_episodes"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["season_id"], ["seasons.id"], name=op.f("fk_threads_season_id_seasons"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["show_id"], ["shows.id"], name=op.f("fk_threads_show_id_shows"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threads")),
    )
    op.create_index("ix_threads_author_id", "threads", ["author_id"], unique=False)
    op.create_index(
        "ix_threads_episode_id_last_post_at_id", "threads", ["episode_id", "last_post_at", "id"], unique=False
    )
    op.create_index(
        "ix_threads_season_id_last_post_at_id", "threads", ["season_id", "last_post_at", "id"], unique=False
    )
    op.create_index("ix_threads_show_id_last_post_at_id", "threads", ["show_id", "last_post_at", "id"], unique=False)
    op.create_table(
        "posts",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("thread_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("root_id", sa.Uuid(), nullable=False),
        sa.Column("path", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("about_episode_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reply_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("upvotes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("downvotes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lols", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("shades", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("fires", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("hearts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("score", sa.Integer(), sa.Computed("upvotes - downvotes", persisted=True), nullable=False),
        sa.Column("hot", sa.Double(), nullable=False),
        sa.Column(
            "words", postgresql.TSVECTOR(), sa.Computed("to_tsvector('english', body)", persisted=True), nullable=False
        ),
        sa.CheckConstraint(
            "length(body) <= 10000 AND (body <> '' OR deleted_at IS NOT NULL OR removed_at IS NOT NULL)",
            name=op.f("ck_posts_body"),
        ),
        sa.CheckConstraint("cardinality(path) BETWEEN 1 AND 500", name=op.f("ck_posts_path")),
        sa.CheckConstraint("downvotes >= 0", name=op.f("ck_posts_downvotes")),
        sa.CheckConstraint("fires >= 0", name=op.f("ck_posts_fires")),
        sa.CheckConstraint("hearts >= 0", name=op.f("ck_posts_hearts")),
        sa.CheckConstraint("lols >= 0", name=op.f("ck_posts_lols")),
        sa.CheckConstraint("shades >= 0", name=op.f("ck_posts_shades")),
        sa.CheckConstraint("upvotes >= 0", name=op.f("ck_posts_upvotes")),
        sa.ForeignKeyConstraint(
            ["about_episode_id"], ["episodes.id"], name=op.f("fk_posts_about_episode_id_episodes"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=op.f("fk_posts_author_id_users"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["posts.id"], name=op.f("fk_posts_parent_id_posts"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["threads.id"], name=op.f("fk_posts_thread_id_threads"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posts")),
        sa.UniqueConstraint("number", name=op.f("uq_posts_number")),
    )
    op.create_index("ix_posts_about_episode_id", "posts", ["about_episode_id"], unique=False)
    op.create_index("ix_posts_author_id_number", "posts", ["author_id", "number"], unique=False)
    op.create_index("ix_posts_parent_id_number", "posts", ["parent_id", "number"], unique=False)
    op.create_index("ix_posts_root_id", "posts", ["root_id"], unique=False)
    op.create_index(
        "ix_posts_thread_id_hot_number",
        "posts",
        ["thread_id", "hot", "number"],
        unique=False,
        postgresql_where=sa.text("parent_id IS NULL"),
    )
    op.create_index(
        "ix_posts_thread_id_number",
        "posts",
        ["thread_id", "number"],
        unique=False,
    )
    op.create_index(
        "ix_posts_thread_id_score_number",
        "posts",
        ["thread_id", "score", "number"],
        unique=False,
        postgresql_where=sa.text("parent_id IS NULL"),
    )
    op.create_index("ix_posts_words", "posts", ["words"], unique=False, postgresql_using="gin")
    op.create_table(
        "moderation_log",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("moderator_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(collation="C"), nullable=False),
        sa.Column("thread_id", sa.Uuid(), nullable=True),
        sa.Column("post_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["moderator_id"], ["users.id"], name=op.f("fk_moderation_log_moderator_id_users"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name=op.f("fk_moderation_log_post_id_posts"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["threads.id"], name=op.f("fk_moderation_log_thread_id_threads"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_moderation_log_user_id_users"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderation_log")),
    )
    op.create_index("ix_moderation_log_moderator_id", "moderation_log", ["moderator_id"], unique=False)
    op.create_index("ix_moderation_log_post_id", "moderation_log", ["post_id"], unique=False)
    op.create_index("ix_moderation_log_thread_id", "moderation_log", ["thread_id"], unique=False)
    op.create_index("ix_moderation_log_user_id", "moderation_log", ["user_id"], unique=False)
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('reply', 'mention')", name=op.f("ck_notifications_kind")),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name=op.f("fk_notifications_post_id_posts"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notifications_user_id_users"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint("user_id", "post_id", name=op.f("uq_notifications_user_id_post_id")),
    )
    op.create_index("ix_notifications_post_id", "notifications", ["post_id"], unique=False)
    op.create_index("ix_notifications_user_id_id", "notifications", ["user_id", "id"], unique=False)
    op.create_table(
        "post_edits",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name=op.f("fk_post_edits_post_id_posts"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_edits")),
    )
    op.create_index("ix_post_edits_post_id_replaced_at", "post_edits", ["post_id", "replaced_at"], unique=False)
    op.create_table(
        "reactions",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("reaction", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "reaction IN ('upvote', 'downvote', 'lol', 'shade', 'fire', 'heart')", name=op.f("ck_reactions_reaction")
        ),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name=op.f("fk_reactions_post_id_posts"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_reactions_user_id_users"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reactions")),
        sa.UniqueConstraint("post_id", "user_id", "reaction", name=op.f("uq_reactions_post_id_user_id_reaction")),
    )
    op.create_index("ix_reactions_user_id", "reactions", ["user_id"], unique=False)
    op.create_table(
        "reports",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("reporter_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("outcome", sa.Text(collation="C"), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("outcome IN ('upheld', 'dismissed')", name=op.f("ck_reports_outcome")),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 1000", name=op.f("ck_reports_reason")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_reports_post_id_posts"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["reporter_id"], ["users.id"], name=op.f("fk_reports_reporter_id_users"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["resolved_by"], ["users.id"], name=op.f("fk_reports_resolved_by_users"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("post_id", "reporter_id", name=op.f("uq_reports_post_id_reporter_id")),
    )
    op.create_index("ix_reports_open", "reports", ["id"], unique=False, postgresql_where=sa.text("resolved_at IS NULL"))
    op.create_index("ix_reports_reporter_id", "reports", ["reporter_id"], unique=False)
    op.create_index("ix_reports_resolved_by", "reports", ["resolved_by"], unique=False)


def downgrade() -> None:

    op.drop_index("ix_reports_resolved_by", table_name="reports")
    op.drop_index("ix_reports_reporter_id", table_name="reports")
    op.drop_index("ix_reports_open", table_name="reports", postgresql_where=sa.text("resolved_at IS NULL"))
    op.drop_table("reports")
    op.drop_index("ix_reactions_user_id", table_name="reactions")
    op.drop_table("reactions")
    op.drop_index("ix_post_edits_post_id_replaced_at", table_name="post_edits")
    op.drop_table("post_edits")
    op.drop_index("ix_notifications_user_id_id", table_name="notifications")
    op.drop_index("ix_notifications_post_id", table_name="notifications")
    op.drop_table("notifications")
    op.drop_index("ix_moderation_log_user_id", table_name="moderation_log")
    op.drop_index("ix_moderation_log_thread_id", table_name="moderation_log")
    op.drop_index("ix_moderation_log_post_id", table_name="moderation_log")
    op.drop_index("ix_moderation_log_moderator_id", table_name="moderation_log")
    op.drop_table("moderation_log")
    op.drop_index("ix_posts_words", table_name="posts", postgresql_using="gin")
    op.drop_index("ix_posts_thread_id_score_number", table_name="posts", postgresql_where=sa.text("parent_id IS NULL"))
    op.drop_index("ix_posts_thread_id_number", table_name="posts")
    op.drop_index("ix_posts_thread_id_hot_number", table_name="posts", postgresql_where=sa.text("parent_id IS NULL"))
    op.drop_index("ix_posts_root_id", table_name="posts")
    op.drop_index("ix_posts_parent_id_number", table_name="posts")
    op.drop_index("ix_posts_author_id_number", table_name="posts")
    op.drop_index("ix_posts_about_episode_id", table_name="posts")
    op.drop_table("posts")
    op.drop_index("ix_threads_show_id_last_post_at_id", table_name="threads")
    op.drop_index("ix_threads_season_id_last_post_at_id", table_name="threads")
    op.drop_index("ix_threads_episode_id_last_post_at_id", table_name="threads")
    op.drop_index("ix_threads_author_id", table_name="threads")
    op.drop_table("threads")
    op.drop_index("ix_refresh_tokens_session_id", table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index("ix_sessions_user_id", table_name="sessions")
    op.drop_table("sessions")
    op.drop_index("ix_progress_user_id_show_id", table_name="progress")
    op.drop_index("ix_progress_show_id", table_name="progress")
    op.drop_table("progress")
    op.drop_index("ix_identities_user_id", table_name="identities")
    op.drop_table("identities")
    op.drop_table("credentials")
    op.drop_index("ix_bans_user_id", table_name="bans")
    op.drop_table("bans")
    op.drop_table("users")
    op.drop_index("ix_outbox_topic_seq", table_name="outbox")
    op.drop_index("ix_outbox_at", table_name="outbox")
    op.drop_table("outbox")
