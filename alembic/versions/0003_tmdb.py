"""TMDb: networks, companies, watch providers and their offers; more about shows, seasons, episodes, people, pictures.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KINDS_BEFORE = (
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
KINDS = (
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

COLUMNS = {
    "credits": {"roles": JSONB},
    "episode_credits": {"jobs": ARRAY(sa.Text()), "guest": sa.Boolean},
    "episodes": {"production_code": sa.Text, "tmdb_rating": sa.Numeric(5, 3), "tmdb_vote_count": sa.Integer},
    "gallery_entries": {"season_number": sa.Integer},
    "images": {
        "language": sa.Text,
        "country": sa.Text,
        "rating": sa.Numeric(5, 3),
        "vote_count": sa.Integer,
    },
    "people": {
        "original_name": sa.Text,
        "gender": sa.Text,
        "adult": sa.Boolean,
        "homepage": sa.Text,
        "tmdb_popularity": sa.Double,
        "known_for_department": sa.Text,
    },
    "seasons": {"title": sa.Text, "overview": sa.Text, "air_date": sa.Date, "tmdb_rating": sa.Numeric(5, 3)},
    "shows": {
        "programme_type": sa.Text,
        "in_production": sa.Boolean,
        "adult": sa.Boolean,
        "homepage": sa.Text,
        "tmdb_popularity": sa.Double,
        "original_language": sa.Text,
        "production_countries": ARRAY(sa.Text()),
        "last_air_date": sa.Date,
        "tmdb_network_ids": ARRAY(sa.Text()),
        "tmdb_company_ids": ARRAY(sa.Text()),
        "alternative_titles": JSONB,
        "content_ratings": JSONB,
        "translations": JSONB,
        "videos": JSONB,
        "tmdb_rating": sa.Numeric(5, 3),
        "tmdb_vote_count": sa.Integer,
    },
}

CHECKS = {
    "episodes": {"tmdb_rating": "tmdb_rating BETWEEN 0 AND 10", "tmdb_vote_count": "tmdb_vote_count >= 0"},
    "gallery_entries": {"season_number": "season_number >= 0"},
    "images": {"rating": "rating BETWEEN 0 AND 10", "vote_count": "vote_count >= 0"},
    "seasons": {"tmdb_rating": "tmdb_rating BETWEEN 0 AND 10"},
    "shows": {"tmdb_rating": "tmdb_rating BETWEEN 0 AND 10", "tmdb_vote_count": "tmdb_vote_count >= 0"},
}


def _set_kinds(kinds: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    for table in TABLES_WITH_KINDS:
        op.drop_constraint(op.f(f"ck_{table}_kind"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_kind"), table, f"kind IN ({listed})")


def _create_entity(name: str, *columns: sa.Column | sa.Constraint) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        *columns,
        sa.Column("provenance", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("jsonb_typeof(provenance) = 'object'", name=op.f(f"ck_{name}_provenance")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )


def upgrade() -> None:
    _set_kinds(KINDS)
    _create_entity(
        "networks",
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("headquarters", sa.Text(), nullable=True),
        sa.Column("homepage", sa.Text(), nullable=True),
        sa.Column("logo_url", sa.Text(), nullable=True),
        sa.Column("logos", JSONB(), nullable=True),
    )
    op.create_index("ix_networks_name", "networks", ["name"])
    _create_entity(
        "companies",
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("headquarters", sa.Text(), nullable=True),
        sa.Column("homepage", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("logo_url", sa.Text(), nullable=True),
        sa.Column("logos", JSONB(), nullable=True),
    )
    op.create_index("ix_companies_name", "companies", ["name"])
    _create_entity(
        "watch_providers",
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("logo_url", sa.Text(), nullable=True),
    )
    op.create_index("ix_watch_providers_name", "watch_providers", ["name"])
    _create_entity(
        "offers",
        sa.Column("show_id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.Text(collation="C"), nullable=False),
        sa.Column("offer_type", sa.Text(collation="C"), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("display_priority", sa.Integer(), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.CheckConstraint("region <> ''", name=op.f("ck_offers_region")),
        sa.CheckConstraint("offer_type <> ''", name=op.f("ck_offers_offer_type")),
        sa.ForeignKeyConstraint(["show_id"], ["shows.id"], name=op.f("fk_offers_show_id_shows"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["watch_providers.id"],
            name=op.f("fk_offers_provider_id_watch_providers"),
            ondelete="RESTRICT",
        ),
        sa.UniqueConstraint(
            "show_id",
            "region",
            "offer_type",
            "provider_id",
            name=op.f("uq_offers_show_id_region_offer_type_provider_id"),
        ),
    )
    op.create_index("ix_offers_provider_id_region", "offers", ["provider_id", "region"])
    for table, columns in COLUMNS.items():
        for name, type_ in columns.items():
            op.add_column(table, sa.Column(name, type_, nullable=True))
    for table, checks in CHECKS.items():
        for name, condition in checks.items():
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def downgrade() -> None:
    for table, columns in reversed(COLUMNS.items()):
        for name in columns:
            op.drop_column(table, name)
    for table in ("offers", "watch_providers", "companies", "networks"):
        op.drop_table(table)
    listed = ", ".join(f"'{kind}'" for kind in KINDS_BEFORE)
    for table in TABLES_WITH_KINDS:
        op.execute(f"DELETE FROM {table} WHERE kind NOT IN ({listed})")
    _set_kinds(KINDS_BEFORE)
