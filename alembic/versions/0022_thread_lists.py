"""Lists of threads in the order of their indexes: sticky ones first, then those in which somebody wrote last.

A show's list is long, so it has an index for each type too; those of seasons and episodes have only threads of such.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

ORDER = ("is_sticky", "last_post_at", "id")


def upgrade() -> None:
    for subject in ("show_id", "season_id", "episode_id"):
        op.drop_index(f"ix_threads_{subject}_last_post_at_id", table_name="threads")
    op.create_index("ix_threads_by_show", "threads", ["show_id", *ORDER])
    op.create_index("ix_threads_by_show_and_type", "threads", ["show_id", "type", *ORDER])
    for subject in ("season", "episode"):
        op.create_index(
            f"ix_threads_by_{subject}",
            "threads",
            [f"{subject}_id", *ORDER],
            postgresql_where=sa.text(f"{subject}_id IS NOT NULL"),
        )


def downgrade() -> None:
    for index in ("show", "show_and_type", "season", "episode"):
        op.drop_index(f"ix_threads_by_{index}", table_name="threads")
    for subject in ("show_id", "season_id", "episode_id"):
        op.create_index(f"ix_threads_{subject}_last_post_at_id", "threads", [subject, "last_post_at", "id"])
