"""All of IMDb: credits, pictures, galleries, lists; more of shows, episodes and people; what vanished; joined entities.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KINDS_BEFORE = ("show", "season", "episode", "person")
KINDS = (
    "show",
    "season",
    "episode",
    "person",
    "image",
    "list",
    "credit",
    "episode_credit",
    "gallery_entry",
    "list_entry",
)

# Who is seen in which seasons and episodes of a show. Archive footage is counted apart: it is no appearance.
APPEARANCES = """
CREATE VIEW appearances AS
SELECT show_id, person_id,
       coalesce(array_agg(DISTINCT season_number ORDER BY season_number)
                FILTER (WHERE appears AND season_number IS NOT NULL), '{}') AS seasons,
       coalesce(array_agg(episode_id ORDER BY season_number, episode_number, air_date, episode_id)
                FILTER (WHERE appears), '{}') AS episode_ids,
       count(*) FILTER (WHERE appears) AS total_episodes,
       count(*) FILTER (WHERE NOT appears) AS archive_footage_episodes
FROM (
    SELECT episodes.show_id, person_id, episodes.id AS episode_id, season_number, episode_number, air_date,
           archive_footage IS NOT TRUE AS appears
    FROM episode_credits JOIN episodes ON episodes.id = episode_id
    WHERE category = 'cast' AND episode_credits.removed_at IS NULL
) credited
GROUP BY show_id, person_id
"""

# Which sources have a list with the show on it.
LISTED_SHOWS = """
CREATE VIEW listed_shows AS
SELECT show_id, array_agg(DISTINCT source ORDER BY source) AS listed_on, array_agg(DISTINCT list_id) AS list_ids
FROM list_entries JOIN external_ids ON kind = 'list' AND entity_id = list_id
WHERE removed_at IS NULL
GROUP BY show_id
"""


def _set_kinds(kinds: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    for table in ("changes", "external_ids", "source_records"):
        op.drop_constraint(op.f(f"ck_{table}_kind"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_kind"), table, f"kind IN ({listed})")


def upgrade() -> None:
    _set_kinds(KINDS)
    op.create_table(
        "images",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("image_type", sa.Text(), nullable=True),
        sa.Column("caption", sa.Text(), nullable=True),
        sa.Column("copyright", sa.Text(), nullable=True),
        sa.Column("person_ids", ARRAY(sa.Text()), nullable=True),
        sa.Column("title_ids", ARRAY(sa.Text()), nullable=True),
        sa.Column("provenance", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("jsonb_typeof(provenance) = 'object'", name=op.f("ck_images_provenance")),
        sa.CheckConstraint("height > 0", name=op.f("ck_images_height")),
        sa.CheckConstraint("width > 0", name=op.f("ck_images_width")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
    )
    op.create_table(
        "lists",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("total_entries", sa.Integer(), nullable=True),
        sa.Column("provenance", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("jsonb_typeof(provenance) = 'object'", name=op.f("ck_lists_provenance")),
        sa.CheckConstraint("total_entries >= 0", name=op.f("ck_lists_total_entries")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lists")),
    )
    op.create_table(
        "credits",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("show_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.Text(collation="C"), nullable=False),
        sa.Column("category_name", sa.Text(), nullable=True),
        sa.Column("billing_order", sa.Integer(), nullable=True),
        sa.Column("jobs", ARRAY(sa.Text()), nullable=True),
        sa.Column("credited_as", sa.Text(), nullable=True),
        sa.Column("characters", ARRAY(sa.Text()), nullable=True),
        sa.Column("attributes", ARRAY(sa.Text()), nullable=True),
        sa.Column("as_self", sa.Boolean(), nullable=True),
        sa.Column("uncredited", sa.Boolean(), nullable=True),
        sa.Column("archive_footage", sa.Boolean(), nullable=True),
        sa.Column("episode_count", sa.Integer(), nullable=True),
        sa.Column("start_year", sa.SmallInteger(), nullable=True),
        sa.Column("end_year", sa.SmallInteger(), nullable=True),
        sa.Column("provenance", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("category <> ''", name=op.f("ck_credits_category")),
        sa.CheckConstraint("jsonb_typeof(provenance) = 'object'", name=op.f("ck_credits_provenance")),
        sa.CheckConstraint("billing_order > 0", name=op.f("ck_credits_billing_order")),
        sa.CheckConstraint("episode_count >= 0", name=op.f("ck_credits_episode_count")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_credits_person_id_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["show_id"], ["shows.id"], name=op.f("fk_credits_show_id_shows"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credits")),
        sa.UniqueConstraint("show_id", "person_id", "category", name=op.f("uq_credits_show_id_person_id_category")),
    )
    op.create_index("ix_credits_person_id", "credits", ["person_id"], unique=False)
    op.create_index(
        "ix_credits_show_id_category_billing_order", "credits", ["show_id", "category", "billing_order"], unique=False
    )
    op.create_table(
        "gallery_entries",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("picture_id", sa.Uuid(), nullable=False),
        sa.Column("show_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("provenance", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("jsonb_typeof(provenance) = 'object'", name=op.f("ck_gallery_entries_provenance")),
        sa.CheckConstraint("num_nonnulls(show_id, person_id) = 1", name=op.f("ck_gallery_entries_owner")),
        sa.CheckConstraint("position > 0", name=op.f("ck_gallery_entries_position")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_gallery_entries_person_id_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["picture_id"], ["images.id"], name=op.f("fk_gallery_entries_picture_id_images"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["show_id"], ["shows.id"], name=op.f("fk_gallery_entries_show_id_shows"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gallery_entries")),
        sa.UniqueConstraint(
            "picture_id",
            "show_id",
            "person_id",
            name=op.f("uq_gallery_entries_picture_id_show_id_person_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_gallery_entries_person_id_position", "gallery_entries", ["person_id", "position"], unique=False)
    op.create_index("ix_gallery_entries_show_id_position", "gallery_entries", ["show_id", "position"], unique=False)
    op.create_table(
        "episode_credits",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.Text(collation="C"), nullable=False),
        sa.Column("characters", ARRAY(sa.Text()), nullable=True),
        sa.Column("attributes", ARRAY(sa.Text()), nullable=True),
        sa.Column("as_self", sa.Boolean(), nullable=True),
        sa.Column("uncredited", sa.Boolean(), nullable=True),
        sa.Column("archive_footage", sa.Boolean(), nullable=True),
        sa.Column("provenance", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("category <> ''", name=op.f("ck_episode_credits_category")),
        sa.CheckConstraint("jsonb_typeof(provenance) = 'object'", name=op.f("ck_episode_credits_provenance")),
        sa.ForeignKeyConstraint(
            ["episode_id"], ["episodes.id"], name=op.f("fk_episode_credits_episode_id_episodes"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_episode_credits_person_id_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_episode_credits")),
        sa.UniqueConstraint(
            "episode_id", "person_id", "category", name=op.f("uq_episode_credits_episode_id_person_id_category")
        ),
    )
    op.create_index("ix_episode_credits_person_id", "episode_credits", ["person_id"], unique=False)
    op.create_table(
        "list_entries",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("show_id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=True),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("added_on", sa.Date(), nullable=True),
        sa.Column("provenance", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("jsonb_typeof(provenance) = 'object'", name=op.f("ck_list_entries_provenance")),
        sa.CheckConstraint("occurrence > 0", name=op.f("ck_list_entries_occurrence")),
        sa.CheckConstraint("position > 0", name=op.f("ck_list_entries_position")),
        sa.ForeignKeyConstraint(
            ["episode_id"], ["episodes.id"], name=op.f("fk_list_entries_episode_id_episodes"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["list_id"], ["lists.id"], name=op.f("fk_list_entries_list_id_lists"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["show_id"], ["shows.id"], name=op.f("fk_list_entries_show_id_shows"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_entries")),
        sa.UniqueConstraint(
            "list_id",
            "show_id",
            "episode_id",
            "occurrence",
            name=op.f("uq_list_entries_list_id_show_id_episode_id_occurrence"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_list_entries_episode_id", "list_entries", ["episode_id"], unique=False)
    op.create_index("ix_list_entries_list_id_position", "list_entries", ["list_id", "position"], unique=False)
    op.create_index("ix_list_entries_show_id", "list_entries", ["show_id"], unique=False)
    op.add_column("episodes", sa.Column("certificate", sa.Text(), nullable=True))
    op.add_column("episodes", sa.Column("runtime_seconds", sa.Integer(), nullable=True))
    op.add_column("episodes", sa.Column("genres", ARRAY(sa.Text()), nullable=True))
    op.add_column("episodes", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("people", sa.Column("also_known_as", ARRAY(sa.Text()), nullable=True))
    op.add_column("people", sa.Column("birth_name", sa.Text(), nullable=True))
    op.add_column("people", sa.Column("biography", sa.Text(), nullable=True))
    op.add_column("people", sa.Column("birth_date", sa.Date(), nullable=True))
    op.add_column("people", sa.Column("birth_year", sa.SmallInteger(), nullable=True))
    op.add_column("people", sa.Column("birth_place", sa.Text(), nullable=True))
    op.add_column("people", sa.Column("death_date", sa.Date(), nullable=True))
    op.add_column("people", sa.Column("death_year", sa.SmallInteger(), nullable=True))
    op.add_column("people", sa.Column("death_place", sa.Text(), nullable=True))
    op.add_column("people", sa.Column("death_cause", sa.Text(), nullable=True))
    op.add_column("people", sa.Column("height_centimetres", sa.Numeric(precision=4, scale=1), nullable=True))
    op.add_column("people", sa.Column("professions", ARRAY(sa.Text()), nullable=True))
    op.add_column("people", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("seasons", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("shows", sa.Column("languages", ARRAY(sa.Text()), nullable=True))
    op.add_column("shows", sa.Column("keywords", ARRAY(sa.Text()), nullable=True))
    op.add_column("shows", sa.Column("tags", ARRAY(sa.Text()), nullable=True))
    op.add_column("shows", sa.Column("networks", ARRAY(sa.Text()), nullable=True))
    op.add_column("shows", sa.Column("companies", ARRAY(sa.Text()), nullable=True))
    op.add_column("shows", sa.Column("tagline", sa.Text(), nullable=True))
    op.add_column("shows", sa.Column("release_date", sa.Date(), nullable=True))
    op.add_column("shows", sa.Column("trailer_url", sa.Text(), nullable=True))
    op.add_column("shows", sa.Column("total_seasons", sa.Integer(), nullable=True))
    op.add_column("shows", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("source_records", sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_episodes_runtime_seconds"), "episodes", "runtime_seconds >= 0")
    op.create_check_constraint(op.f("ck_people_height_centimetres"), "people", "height_centimetres > 0")
    op.create_check_constraint(op.f("ck_shows_total_seasons"), "shows", "total_seasons >= 0")
    op.execute(APPEARANCES)
    op.execute(LISTED_SHOWS)
    _create_joins()


def _create_joins() -> None:
    of_kinds = ", ".join(f"'{kind}'" for kind in KINDS)
    op.drop_constraint(op.f("ck_changes_op"), "changes", type_="check")
    op.create_check_constraint(op.f("ck_changes_op"), "changes", "op IN ('insert', 'update', 'merge')")
    op.create_table(
        "entity_merges",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("survivor_id", sa.Uuid(), nullable=False),
        sa.Column("absorbed_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("within_id", sa.Uuid(), nullable=True),
        sa.Column("moved", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.CheckConstraint(f"kind IN ({of_kinds})", name=op.f("ck_entity_merges_kind")),
        sa.CheckConstraint("survivor_id <> absorbed_id", name=op.f("ck_entity_merges_two")),
        sa.ForeignKeyConstraint(
            ["within_id"], ["entity_merges.id"], name="fk_entity_merges_within_id_entity_merges", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_entity_merges"),
    )
    op.create_index("ix_entity_merges_survivor_id", "entity_merges", ["survivor_id"])
    op.create_index("ix_entity_merges_within_id", "entity_merges", ["within_id"])
    op.create_table(
        "entity_redirects",
        sa.Column("old_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("new_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(f"kind IN ({of_kinds})", name=op.f("ck_entity_redirects_kind")),
        sa.PrimaryKeyConstraint("old_id", name="pk_entity_redirects"),
    )
    op.create_index("ix_entity_redirects_new_id", "entity_redirects", ["new_id"])
    op.create_table(
        "identity_proposals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Numeric(precision=4, scale=3), nullable=False),
        sa.Column("evidence", JSONB(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), server_default=sa.text("'open'"), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(f"kind IN ({of_kinds})", name=op.f("ck_identity_proposals_kind")),
        sa.CheckConstraint("state IN ('open', 'accepted', 'rejected')", name=op.f("ck_identity_proposals_state")),
        sa.CheckConstraint("entity_id < other_id", name=op.f("ck_identity_proposals_order")),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name=op.f("ck_identity_proposals_score")),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name=op.f("ck_identity_proposals_decided")),
        sa.PrimaryKeyConstraint("id", name="pk_identity_proposals"),
        sa.UniqueConstraint("entity_id", "other_id", name="uq_identity_proposals_entity_id_other_id"),
    )
    op.create_index("ix_identity_proposals_state_score", "identity_proposals", ["state", "score"])


def downgrade() -> None:
    for table in ("identity_proposals", "entity_redirects", "entity_merges"):
        op.drop_table(table)
    op.execute("DELETE FROM changes WHERE op = 'merge'")
    op.drop_constraint(op.f("ck_changes_op"), "changes", type_="check")
    op.create_check_constraint(op.f("ck_changes_op"), "changes", "op IN ('insert', 'update')")
    op.execute("DROP VIEW listed_shows")
    op.execute("DROP VIEW appearances")
    op.drop_column("source_records", "gone_at")
    op.drop_column("shows", "removed_at")
    op.drop_column("shows", "total_seasons")
    op.drop_column("shows", "trailer_url")
    op.drop_column("shows", "release_date")
    op.drop_column("shows", "tagline")
    op.drop_column("shows", "companies")
    op.drop_column("shows", "networks")
    op.drop_column("shows", "tags")
    op.drop_column("shows", "keywords")
    op.drop_column("shows", "languages")
    op.drop_column("seasons", "removed_at")
    op.drop_column("people", "removed_at")
    op.drop_column("people", "professions")
    op.drop_column("people", "height_centimetres")
    op.drop_column("people", "death_cause")
    op.drop_column("people", "death_place")
    op.drop_column("people", "death_year")
    op.drop_column("people", "death_date")
    op.drop_column("people", "birth_place")
    op.drop_column("people", "birth_year")
    op.drop_column("people", "birth_date")
    op.drop_column("people", "biography")
    op.drop_column("people", "birth_name")
    op.drop_column("people", "also_known_as")
    op.drop_column("episodes", "removed_at")
    op.drop_column("episodes", "genres")
    op.drop_column("episodes", "runtime_seconds")
    op.drop_column("episodes", "certificate")
    op.drop_table("list_entries")
    op.drop_table("episode_credits")
    op.drop_table("gallery_entries")
    op.drop_table("credits")
    op.drop_table("lists")
    op.drop_table("images")
    op.execute("DELETE FROM source_records WHERE kind NOT IN ('show', 'season', 'episode', 'person')")
    op.execute("DELETE FROM external_ids WHERE kind NOT IN ('show', 'season', 'episode', 'person')")
    op.execute("DELETE FROM changes WHERE kind NOT IN ('show', 'season', 'episode', 'person')")
    _set_kinds(KINDS_BEFORE)
