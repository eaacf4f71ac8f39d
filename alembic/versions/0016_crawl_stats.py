"""Crawl stats: what checks found, coverage and freshness as sums that are kept, rejects that are tried again.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

CODE = sa.Text(collation="C")

COUNT_WHAT_IS_THERE = """
INSERT INTO source_coverage (source, kind, records, told)
SELECT record.source, record.kind, records, coalesce(told, '{}')
FROM (
    SELECT source, kind, count(*) AS records FROM source_records WHERE gone_at IS NULL GROUP BY source, kind
) record
LEFT JOIN (
    SELECT source, kind, jsonb_object_agg(field, number) AS told
    FROM (
        SELECT source, kind, said.key AS field, count(*) AS number
        FROM source_records CROSS JOIN LATERAL jsonb_each(payload) said
        WHERE gone_at IS NULL AND said.value <> 'null'
        GROUP BY source, kind, said.key
    ) counted GROUP BY source, kind
) fields ON (fields.source, fields.kind) = (record.source, record.kind)
"""

# Sums per day, so that nobody has to look through all things. Newest day first: two writers never wait crosswise.
KEEP_FRESHNESS = """
CREATE FUNCTION keep_freshness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO crawl_freshness (spider, day, things)
        SELECT spider, (ok_at AT TIME ZONE 'UTC')::date, count(*) FROM written WHERE ok_at IS NOT NULL
        GROUP BY 1, 2 ORDER BY 1, 2 DESC
        ON CONFLICT (spider, day) DO UPDATE SET things = crawl_freshness.things + excluded.things;
    ELSE
        INSERT INTO crawl_freshness (spider, day, things)
        SELECT spider, day, sum(change)
        FROM (
            SELECT spider, (ok_at AT TIME ZONE 'UTC')::date AS day, 1 AS change FROM written
            UNION ALL SELECT spider, (ok_at AT TIME ZONE 'UTC')::date, -1 FROM overwritten
        ) moved
        WHERE day IS NOT NULL GROUP BY 1, 2 HAVING sum(change) <> 0 ORDER BY 1, 2 DESC
        ON CONFLICT (spider, day) DO UPDATE SET things = crawl_freshness.things + excluded.things;
    END IF;
    RETURN NULL;
END $$
"""


def _timestamp(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(
        name, sa.DateTime(timezone=True), nullable=nullable, server_default=None if nullable else sa.text("now()")
    )


def upgrade() -> None:
    op.add_column("crawl_runs", sa.Column("timeline", JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False))
    op.add_column("schedules", _timestamp("next_slot_at"))
    op.add_column("crawl_rejects", _timestamp("retry_wanted_at"))
    op.add_column("crawl_rejects", sa.Column("retry_wanted_by", sa.Text(), nullable=True))
    op.add_column("crawl_rejects", _timestamp("retried_at"))
    op.add_column("crawl_rejects", sa.Column("retried_as", CODE, nullable=True))
    op.create_check_constraint(
        op.f("ck_crawl_rejects_retried_as"), "crawl_rejects", "retried_as IN ('stored', 'rejected', 'outdated')"
    )
    op.create_check_constraint(
        op.f("ck_crawl_rejects_retried"), "crawl_rejects", "(retried_at IS NULL) = (retried_as IS NULL)"
    )
    op.create_index(
        "ix_crawl_rejects_retry_wanted",
        "crawl_rejects",
        ["id"],
        postgresql_where=sa.text("retry_wanted_at IS NOT NULL AND retried_at IS NULL"),
    )
    op.create_table(
        "crawl_findings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("dedupe_key", CODE, nullable=False),
        sa.Column("scope", CODE, nullable=False),
        sa.Column("rule", CODE, nullable=False),
        sa.Column("severity", CODE, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("advice", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        _timestamp("at", nullable=False),
        _timestamp("resolved_at"),
        _timestamp("acknowledged_at"),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crawl_findings")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_crawl_findings_dedupe_key")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["crawl_runs.id"], ondelete="RESTRICT", name=op.f("fk_crawl_findings_run_id_crawl_runs")
        ),
        sa.CheckConstraint("severity IN ('warning', 'error')", name=op.f("ck_crawl_findings_severity")),
        sa.CheckConstraint(
            "(acknowledged_at IS NULL) = (acknowledged_by IS NULL)", name=op.f("ck_crawl_findings_acknowledged")
        ),
    )
    op.create_index("ix_crawl_findings_at", "crawl_findings", ["at"])
    op.create_index("ix_crawl_findings_run_id", "crawl_findings", ["run_id"])
    op.create_index(
        "ix_crawl_findings_open", "crawl_findings", ["scope"], postgresql_where=sa.text("resolved_at IS NULL")
    )
    op.create_table(
        "source_coverage",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("source", CODE, nullable=False),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("told", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_coverage")),
    )
    op.create_table(
        "crawl_freshness",
        sa.Column("spider", CODE, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("things", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("spider", "day", name=op.f("pk_crawl_freshness")),
    )
    # Whoever is still writing is waited for: nothing is missed between the count and what keeps it.
    op.execute("LOCK TABLE source_records, crawl_states IN SHARE ROW EXCLUSIVE MODE")
    op.execute(COUNT_WHAT_IS_THERE)
    op.execute(
        """
        INSERT INTO crawl_freshness (spider, day, things)
        SELECT spider, (ok_at AT TIME ZONE 'UTC')::date, count(*) FROM crawl_states WHERE ok_at IS NOT NULL
        GROUP BY 1, 2
        """
    )
    op.execute(KEEP_FRESHNESS)
    op.execute(
        "CREATE TRIGGER keep_freshness_on_insert AFTER INSERT ON crawl_states REFERENCING NEW TABLE AS written "
        "FOR EACH STATEMENT EXECUTE FUNCTION keep_freshness()"
    )
    op.execute(
        "CREATE TRIGGER keep_freshness_on_update AFTER UPDATE ON crawl_states "
        "REFERENCING OLD TABLE AS overwritten NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION keep_freshness()"
    )


def downgrade() -> None:
    for event in ("insert", "update"):
        op.execute(f"DROP TRIGGER keep_freshness_on_{event} ON crawl_states")
    op.execute("DROP FUNCTION keep_freshness()")
    for table in ("crawl_freshness", "source_coverage", "crawl_findings"):
        op.drop_table(table)
    op.drop_index("ix_crawl_rejects_retry_wanted", table_name="crawl_rejects")
    for column in ("retried_as", "retried_at", "retry_wanted_by", "retry_wanted_at"):
        op.drop_column("crawl_rejects", column)
    op.drop_column("schedules", "next_slot_at")
    op.drop_column("crawl_runs", "timeline")
