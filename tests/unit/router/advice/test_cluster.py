"""Which addresses are no scheduler's: told at once or within seconds, whoever listens there."""

import socket

import pytest

from router.advice.bulk import EngineRefused
from router.advice.cluster import connected


def refused(address: str) -> str:
    with (
        pytest.raises(EngineRefused) as told,
        connected(address, dict, "install it"),
    ):
        pass
    return str(told.value)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("8786", "missing port number"),
        ("http://127.0.0.1:8787/status", "unknown address scheme 'http'"),
        ("tls://127.0.0.1:8786", "TLS"),
    ],
)
def test_what_is_no_address_of_a_scheduler_is_told_with_the_way_out(
    address: str, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    told = refused(address)
    assert told.startswith(f"scheduler: {address} cannot be reached")
    assert reason in told
    assert "give the address that `dask scheduler` prints" in told
    # Nothing that was made before it was refused complains when it is let go of.
    assert capfd.readouterr().err == ""


def test_whoever_listens_and_does_not_answer_as_a_scheduler_is_not_waited_for_without_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = refused(f"tcp://127.0.0.1:{silent.getsockname()[1]}")
    assert "does not answer as a scheduler" in told
