"""The API: readable addresses (slugs) of shows and people that survive renames, indexes for lists, API keys.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KINDS = (
    "show", "season", "episode", "person", "image", "list", "network", "company", "watch_provider", "credit",
    "episode_credit", "gallery_entry", "list_entry", "offer", "fandom_page",
)  # fmt: skip

SLUGIFY = """
CREATE FUNCTION slugify(name text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN trim(BOTH '-' FROM left(regexp_replace(lower(unaccent(name)), '[^a-z0-9]+', '-', 'g'), 80))
"""

# A changed name brings a new slug; the old one stays and leads on. The first free one of three wins: the name, the name
# with the year, the name with the end of the id.
ASSIGN_SLUGS = """
CREATE FUNCTION assign_{kind}_slugs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE slugs SET current = false FROM changed
    WHERE slugs.entity_id = changed.id AND current AND base <> slugify(changed.{name});
    FOR form IN 1..3 LOOP
        INSERT INTO slugs (kind, slug, entity_id, base, current)
        SELECT DISTINCT ON (1, 2) '{kind}', CASE form
                   WHEN 1 THEN nullif(slugify({name}), '')
                   WHEN 2 THEN nullif(slugify({name}), '') || '-' || {year}
                   ELSE coalesce(nullif(slugify({name}), ''), '{kind}') || '-' || right(id::text, 12)
               END AS slug, id, slugify({name}), true
        FROM changed
        WHERE {name} IS NOT NULL AND NOT EXISTS (SELECT FROM slugs known WHERE known.entity_id = changed.id AND current)
          AND (form = 3 OR slugify({name}) <> '' AND (form = 1 OR {year} IS NOT NULL))
        ORDER BY 1, 2, id
        ON CONFLICT (kind, slug) DO UPDATE SET current = true, base = excluded.base
        WHERE slugs.entity_id = excluded.entity_id;
    END LOOP;
    RETURN NULL;
END $$
"""

NAMED = {"show": ("shows", "title", "start_year"), "person": ("people", "name", "NULL::int")}


# What lists are sorted by; an index of each order makes a page as cheap at its end as at its beginning.
ORDERS = (
    ("ix_shows_by_title", "shows", "coalesce(title, '')"),
    ("ix_shows_by_popularity", "shows", "coalesce(tmdb_popularity, -1)"),
    ("ix_shows_by_rating", "shows", "coalesce(imdb_rating, tmdb_rating, -1)"),
    ("ix_shows_by_last_air_date", "shows", "coalesce(last_air_date, '-infinity'::date)"),
    ("ix_shows_by_update", "shows", "updated_at"),
    ("ix_people_by_name", "people", "coalesce(name, '')"),
    ("ix_people_by_popularity", "people", "coalesce(tmdb_popularity, -1)"),
)


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS unaccent")
    op.create_table(
        "slugs",
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("slug", sa.Text(collation="C"), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("base", sa.Text(collation="C"), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(f"kind IN ({', '.join(map(repr, KINDS))})", name=op.f("ck_slugs_kind")),
        sa.CheckConstraint("slug <> ''", name=op.f("ck_slugs_slug")),
        sa.PrimaryKeyConstraint("kind", "slug", name=op.f("pk_slugs")),
    )
    op.create_index("ix_slugs_entity_id", "slugs", ["entity_id"], unique=True, postgresql_where=sa.text("current"))
    op.execute(SLUGIFY)
    for kind, (table, name, year) in NAMED.items():
        op.execute(ASSIGN_SLUGS.format(kind=kind, name=name, year=year))
        for event in ("INSERT", "UPDATE"):
            op.execute(
                f"CREATE TRIGGER assign_slugs_on_{event.lower()} AFTER {event} ON {table} "
                f"REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION assign_{kind}_slugs()"
            )
        op.execute(f"UPDATE {table} SET id = id")
    for index, table, key in ORDERS:
        op.create_index(index, table, [sa.text(key), "id"])
    lower_name = sa.func.lower(sa.text("name")).label("lower_name")
    op.create_index("ix_people_lower_name", "people", [lower_name], postgresql_ops={"lower_name": "text_pattern_ops"})
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("name <> ''", name=op.f("ck_api_keys_name")),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_api_keys_hash")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_keys_hash")),
    )


def downgrade() -> None:
    op.drop_table("api_keys")
    op.drop_index("ix_people_lower_name", "people")
    for index, table, _ in ORDERS:
        op.drop_index(index, table)
    for kind, (table, _, _) in NAMED.items():
        for event in ("INSERT", "UPDATE"):
            op.execute(f"DROP TRIGGER assign_slugs_on_{event.lower()} ON {table}")
        op.execute(f"DROP FUNCTION assign_{kind}_slugs()")
    op.execute("DROP FUNCTION slugify(text)")
    op.drop_table("slugs")
    op.execute("DROP EXTENSION unaccent")
