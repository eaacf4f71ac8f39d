"""Avatars: where the picture is by which somebody is shown."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("avatar_url", sa.Text(), nullable=True))
    op.execute("GRANT UPDATE (avatar_url) ON users TO trr_api")


def downgrade() -> None:
    op.drop_column("users", "avatar_url")
