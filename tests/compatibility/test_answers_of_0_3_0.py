"""Requests that 0.3.0 was asked, over real gRPC: today's service answers them as it did.

But for cases that contradict themselves by rules that came since: see `contradicting`.
"""

from dataclasses import asdict
from pathlib import Path

import pytest

from tests.compatibility.contradicting import Since
from tests.compatibility.kept import GROUPS, Asker, a_server, alike, exchanges


@pytest.mark.parametrize("group", GROUPS)
def test_every_request_is_answered_as_by_0_3_0(group: str, tmp_path: Path) -> None:
    with a_server(tmp_path) as server:
        asker, since = Asker(server.channel), Since()
        for one in exchanges(group):
            answered = asker.ask(one.method, one.requests)
            same = alike(asdict(answered), asdict(one.outcome))
            assert same or since.explains(one.requests, answered, one.outcome), one.name
