"""Requests that 0.3.0 was asked, over real gRPC: today's service answers them as it did.

But for cases that contradict themselves by rules that came since, see `contradicting`, and for
sentences that were worded anew, see `reworded`.
"""

from dataclasses import asdict
from pathlib import Path

import pytest

from tests.compatibility.contradicting import Since
from tests.compatibility.kept import GROUPS, Asker, a_server, alike, exchanges
from tests.compatibility.reworded import as_worded_today


@pytest.mark.parametrize("group", GROUPS)
def test_every_request_is_answered_as_by_0_3_0(group: str, tmp_path: Path) -> None:
    with a_server(tmp_path) as server:
        asker, since = Asker(server.channel), Since()
        for one in exchanges(group):
            answered = asker.ask(one.method, one.requests)
            theirs = as_worded_today(one.outcome)
            same = alike(asdict(answered), asdict(theirs))
            assert same or since.explains(one.requests, answered, theirs), one.name
