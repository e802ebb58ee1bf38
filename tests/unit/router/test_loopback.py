"""Which hosts are this machine."""

import pytest

from router.loopback import is_loopback


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("LocalHost", True),
        ("0.0.0.0", False),
        ("10.0.0.7", False),
        ("::ffff:10.0.0.7", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_an_address_of_this_machine_and_its_name_are_known(host: str, near: bool) -> None:
    assert is_loopback(host) == near
