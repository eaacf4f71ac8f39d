"""What readiness asks of the database."""

from typing import Final

REVISION: Final = b"SELECT version_num FROM alembic_version"
