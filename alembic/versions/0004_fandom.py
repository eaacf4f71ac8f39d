"""Fandom: pages of wikis about people; more about people and pictures.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KINDS_BEFORE = (
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
)
TABLES_WITH_KINDS = (
    "changes",
    "external_ids",
    "source_records",
    "entity_merges",
    "entity_redirects",
    "identity_proposals",
)


def _set_kinds(kinds: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    for table in TABLES_WITH_KINDS:
        op.drop_constraint(op.f(f"ck_{table}_kind"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_kind"), table, f"kind IN ({listed})")


def upgrade() -> None:
    _set_kinds((*KINDS_BEFORE, "fandom_page"))
    op.create_table(
        "fandom_pages",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("wiki", sa.Text(collation="C"), nullable=True),
        sa.Column("page_id", sa.BigInteger(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("display_title", sa.Text(), nullable=True),
        sa.Column("aliases", ARRAY(sa.Text()), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("revision_id", sa.BigInteger(), nullable=True),
        sa.Column("categories", ARRAY(sa.Text()), nullable=True),
        sa.Column("infobox", JSONB(), nullable=True),
        sa.Column("seasons", JSONB(), nullable=True),
        sa.Column("relations", JSONB(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("taglines", JSONB(), nullable=True),
        sa.Column("seating", JSONB(), nullable=True),
        sa.Column("trivia", ARRAY(sa.Text()), nullable=True),
        sa.Column("wanted_name", sa.Text(), nullable=True),
        sa.Column("wanted_id", sa.Text(collation="C"), nullable=True),
        sa.Column("evidence", ARRAY(sa.Text()), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("person_key", sa.Text(collation="C"), nullable=True),
        sa.Column("provenance", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("jsonb_typeof(provenance) = 'object'", name=op.f("ck_fandom_pages_provenance")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fandom_pages")),
    )
    op.create_index("ix_fandom_pages_wiki_page_id", "fandom_pages", ["wiki", "page_id"])
    op.create_index("ix_fandom_pages_person_key", "fandom_pages", ["person_key"])
    op.add_column("people", sa.Column("full_name", sa.Text(), nullable=True))
    op.add_column("people", sa.Column("weight_kilograms", sa.Numeric(precision=4, scale=1), nullable=True))
    op.add_column("people", sa.Column("hair_colour", sa.Text(), nullable=True))
    op.add_column("people", sa.Column("eye_colour", sa.Text(), nullable=True))
    op.add_column("people", sa.Column("residence", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_people_weight_kilograms"), "people", "weight_kilograms > 0")
    op.add_column("images", sa.Column("section", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("images", "section")
    op.drop_column("people", "residence")
    op.drop_column("people", "eye_colour")
    op.drop_column("people", "hair_colour")
    op.drop_column("people", "weight_kilograms")
    op.drop_column("people", "full_name")
    op.drop_table("fandom_pages")
    for table in TABLES_WITH_KINDS:
        op.execute(f"DELETE FROM {table} WHERE kind = 'fandom_page'")
    _set_kinds(KINDS_BEFORE)
