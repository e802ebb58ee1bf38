"""Requests that 0.3.0 was asked, over real gRPC: today's service answers them as it did."""

from dataclasses import asdict
from pathlib import Path

import pytest

from tests.compatibility.kept import GROUPS, Asker, a_server, alike, exchanges


@pytest.mark.parametrize("group", GROUPS)
def test_every_request_is_answered_as_by_0_3_0(group: str, tmp_path: Path) -> None:
    with a_server(tmp_path) as server:
        asker = Asker(server.channel)
        for one in exchanges(group):
            answered = asker.ask(one.method, one.requests)
            assert alike(asdict(answered), asdict(one.outcome)), one.name
