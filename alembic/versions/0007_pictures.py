"""Pictures: their bytes, where those are kept, which address they came from, and the best one of each thing.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import BIT

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# A picture's address beside what is kept of it.
HOSTED_IMAGES = """
CREATE VIEW hosted_images AS
SELECT image_sources.url, original.url AS hosted_url, sha256, image_files.content_type, image_files.bytes,
       image_files.width, image_files.height, dominant_colour, blurhash, perceptual_hash, variants,
       fetched_at, checked_at
FROM image_sources
JOIN image_files USING (sha256)
JOIN image_objects original USING (sha256)
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'variant', variant, 'url', other.url, 'content_type', other.content_type,
        'width', other.width, 'height', other.height, 'bytes', other.bytes
    ) ORDER BY other.width, variant), '[]'::jsonb) AS variants
    FROM image_objects other WHERE other.sha256 = image_sources.sha256 AND variant <> 'original'
) others
WHERE original.variant = 'original'
"""

# All pictures of the catalog, each with the address to show it from: ours, or the source's until we have it.
SERVED_IMAGES = """
CREATE VIEW served_images AS
SELECT images.id, images.url, coalesce(hosted.hosted_url, images.url) AS served_url,
       hosted.hosted_url IS NOT NULL AS hosted, images.image_type, images.caption, images.language,
       coalesce(hosted.width, images.width) AS width, coalesce(hosted.height, images.height) AS height,
       hosted.sha256, hosted.content_type, hosted.bytes, hosted.dominant_colour, hosted.blurhash, hosted.variants
FROM images LEFT JOIN hosted_images hosted ON hosted.url = images.url
WHERE images.removed_at IS NULL AND images.url IS NOT NULL
"""

SERVED_PRIMARY_IMAGES = """
CREATE VIEW served_primary_images AS
SELECT entity_id, role, source, primary_images.url, coalesce(hosted.hosted_url, primary_images.url) AS served_url,
       hosted.hosted_url IS NOT NULL AS hosted, hosted.width, hosted.height, hosted.sha256, hosted.content_type,
       hosted.bytes, hosted.dominant_colour, hosted.blurhash, hosted.variants
FROM primary_images LEFT JOIN hosted_images hosted ON hosted.url = primary_images.url
"""

# Pictures in one gallery that look the same: of 128 bits no more than 6 differ, and neither their form nor the language
# of the words on them says otherwise.
IMAGE_TWINS = """
CREATE VIEW image_twins AS
WITH hashed AS NOT MATERIALIZED (
    SELECT coalesce(entry.show_id, entry.person_id) AS owner_id, images.id, images.language,
           file.sha256, perceptual_hash, file.width::float / file.height AS form
    FROM gallery_entries entry
    JOIN images ON images.id = entry.picture_id
    JOIN image_sources USING (url)
    JOIN image_files file USING (sha256)
    WHERE entry.removed_at IS NULL AND images.removed_at IS NULL
)
SELECT DISTINCT one.id AS image_id, other.id AS twin_id,
       CASE WHEN one.sha256 = other.sha256 THEN 0
            ELSE bit_count(one.perceptual_hash # other.perceptual_hash) END AS distance
FROM hashed one JOIN hashed other ON other.owner_id = one.owner_id AND other.id <> one.id
WHERE one.sha256 = other.sha256
   OR (bit_count(one.perceptual_hash # other.perceptual_hash) <= 6
       AND abs(one.form / other.form - 1) < 0.02
       AND (one.language = other.language OR one.language IS NULL OR other.language IS NULL))
"""

VIEWS = {
    "hosted_images": HOSTED_IMAGES,
    "served_images": SERVED_IMAGES,
    "served_primary_images": SERVED_PRIMARY_IMAGES,
    "image_twins": IMAGE_TWINS,
}


def upgrade() -> None:
    code, now = sa.Text(collation="C"), sa.text("now()")
    op.create_table(
        "image_files",
        sa.Column("sha256", code, nullable=False),
        sa.Column("content_type", code, nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("dominant_colour", code, nullable=True),
        sa.Column("blurhash", code, nullable=True),
        sa.Column("perceptual_hash", BIT(128), nullable=True),
        sa.Column("stored_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_image_files_sha256")),
        sa.CheckConstraint("bytes > 0", name=op.f("ck_image_files_bytes")),
        sa.CheckConstraint("width > 0", name=op.f("ck_image_files_width")),
        sa.CheckConstraint("height > 0", name=op.f("ck_image_files_height")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_image_files")),
    )
    op.create_table(
        "image_objects",
        sa.Column("key", code, nullable=False),
        sa.Column("sha256", code, nullable=False),
        sa.Column("variant", code, nullable=False),
        sa.Column("content_type", code, nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("store", code, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.CheckConstraint("bytes > 0", name=op.f("ck_image_objects_bytes")),
        sa.CheckConstraint("width > 0", name=op.f("ck_image_objects_width")),
        sa.CheckConstraint("height > 0", name=op.f("ck_image_objects_height")),
        sa.ForeignKeyConstraint(
            ["sha256"], ["image_files.sha256"], name=op.f("fk_image_objects_sha256_image_files"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_image_objects")),
        sa.UniqueConstraint("sha256", "variant", name=op.f("uq_image_objects_sha256_variant")),
    )
    op.create_table(
        "image_sources",
        sa.Column("url", code, nullable=False),
        sa.Column("sha256", code, nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.CheckConstraint("num_nonnulls(sha256, error) > 0", name=op.f("ck_image_sources_known")),
        sa.ForeignKeyConstraint(
            ["sha256"], ["image_files.sha256"], name=op.f("fk_image_sources_sha256_image_files"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["crawl_runs.id"], name=op.f("fk_image_sources_run_id_crawl_runs"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_image_sources")),
    )
    op.create_index("ix_image_sources_sha256", "image_sources", ["sha256"])
    op.create_table(
        "primary_images",
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("role", code, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("source", code, nullable=False),
        sa.PrimaryKeyConstraint("entity_id", "role", name=op.f("pk_primary_images")),
    )
    for view in VIEWS.values():
        op.execute(view)


def downgrade() -> None:
    for view in reversed(VIEWS):
        op.execute(f"DROP VIEW {view}")
    for table in ("primary_images", "image_sources", "image_objects", "image_files"):
        op.drop_table(table)
