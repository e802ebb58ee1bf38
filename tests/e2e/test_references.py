"""References as a case system sends them: UUIDs are always taken, identity numbers on no path."""

import uuid
from pathlib import Path

import grpc
import polars as pl
import pytest
from click.testing import CliRunner

from router.__main__ import main
from router.v1 import channel_router_pb2
from tests.builders import a_case
from tests.e2e.conftest import Server

# The first one is of the kind that version 0.3.0 took for an identity number.
UUIDS = ["b50fac9e-9c0c-4212-8384-884e4c8e21d5"] + [
    str(uuid.uuid5(uuid.NAMESPACE_OID, f"{number}")) for number in range(999)
]
HIDDEN = [
    "15507600333",
    "155076\u201300333",
    "155076|00333",
    "１５５０７６００３３３",
    "sak-15507600333-x",
]


def test_a_batch_of_uuids_is_answered_whole(server: Server) -> None:
    cases = [a_case(case_ref=one) for one in UUIDS]
    results = server.router.RecommendBatch(
        channel_router_pb2.RecommendBatchRequest(cases=cases), timeout=20
    ).results
    assert [result.recommendation.case_ref for result in results] == UUIDS


@pytest.mark.parametrize("field", ["case_ref", "office_ref"])
@pytest.mark.parametrize("text", HIDDEN, ids=ascii)
def test_a_hidden_number_is_refused_and_not_told_back(
    server: Server, field: str, text: str
) -> None:
    request = channel_router_pb2.RecommendRequest(case=a_case(**{field: text}))
    with pytest.raises(grpc.RpcError) as refused:
        server.router.Recommend(request, timeout=5)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert f"case.{field}: looks like a national identity number" in str(refused.value.details())
    assert "use a random UUID" in str(refused.value.details())
    assert "00333" not in str(refused.value)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("words", [("score",), ("plan", "--office", "office-01")])
def test_a_file_with_hidden_numbers_is_refused_by_row(
    tmp_path: Path, words: tuple[str, ...], suffix: str
) -> None:
    refs = [*UUIDS[:20], *HIDDEN, "a\tb"]
    frame = pl.DataFrame({"case_ref": refs, "shielded": ["NO"] * len(refs)})
    cases, out = tmp_path / f"cases.{suffix}", tmp_path / "out.csv"
    frame.write_csv(cases) if suffix == "csv" else frame.write_parquet(cases)
    told = CliRunner().invoke(main, [*words, "--cases", str(cases), "--out", str(out)])
    message = told.output + str(told.exception)
    assert told.exit_code
    assert "column case_ref: rows 21, 22, 23, 24, 25: a reference that looks like" in message
    assert "column case_ref: rows 26: a reference that has control characters" in message
    assert "00333" not in message
    assert not out.exists()
