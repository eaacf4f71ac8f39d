"""`python -m trr_api`: serve the catalog of DATABASE_URL, or of the embedded database."""

from __future__ import annotations

import os
import sys
import tempfile

import uvicorn

from trr_api.config import Settings
from trr_crawl import database


def main() -> int:
    """Check the database, then serve until SIGTERM."""
    try:
        os.environ["DATABASE_URL"] = database.url()
    except database.DatabaseError as error:
        sys.stderr.write(f"python -m trr_api: {error}\n")
        return 1
    settings = Settings()
    # Workers are processes of their own: what they must agree on goes with the environment.
    os.environ.setdefault("TRR_API_SECRET", settings.secret.get_secret_value())
    with tempfile.TemporaryDirectory(prefix="trr-metrics-") as folder:
        if settings.workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        serve(settings)
    return 0


def serve(settings: Settings) -> None:
    """Run uvicorn."""
    uvicorn.run(
        "trr_api.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=settings.shutdown_timeout,
        server_header=False,
        access_log=False,
        date_header=True,
    )


if __name__ == "__main__":
    sys.exit(main())
