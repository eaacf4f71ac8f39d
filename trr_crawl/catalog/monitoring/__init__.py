"""Looks at a run when it has ended: is it like those before it?

`checks` is a table of rules that one can read, `findings` asks the history, applies them and keeps what they find,
`outbox` is what is to be told to whom of it.
"""

from trr_crawl.catalog.monitoring.findings import (
    SILENT_AFTER,
    after_run,
    end_dead_runs,
    note_done,
    note_given_up,
    note_hung,
    note_late,
)

__all__ = ["SILENT_AFTER", "after_run", "end_dead_runs", "note_done", "note_given_up", "note_hung", "note_late"]
