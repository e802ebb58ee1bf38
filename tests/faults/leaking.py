"""A server with a leak that must be found: `python -m tests.faults.leaking serve ...`."""

from __future__ import annotations

from router.__main__ import main
from router.commands.run import run
from router.journal.group_commit import GroupCommit

LEAK_BYTES = 50_000


def sow_a_leak() -> None:
    """Has the journal's queue keep some bytes of every submission for ever."""
    kept, submit = [], GroupCommit.submit

    def leaky(self: GroupCommit[object], records: object, ticket: object) -> None:
        kept.append(bytearray(LEAK_BYTES))
        submit(self, records, ticket)  # type: ignore[arg-type]

    GroupCommit.submit = leaky  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    sow_a_leak()
    run(main, "python -m tests.faults.leaking")
