"""The record of a recommendation: bytes that never change, and readers that say what is damaged."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from router.decision.decision import NO_MIX
from router.journal.recommendation import (
    AFTER_OWN_VIEW,
    CHUNK,
    CONTROL,
    SHOWN,
    Chunk,
    CodedField,
    CodedMix,
    Layout,
    Reading,
    Tail,
    Unpacked,
    read_recommendation,
    recommendations,
)
from router.journal.record import Context, JournalBroken, Record, StoredRecord
from router.journal.stores.sqlite import SqliteJournal
from tests.builders import a_reading, a_recorded_recommendation

READING = Reading(
    model_version="v1-æ",
    model_sha256="0" * 64,
    synthetic_model=True,
    policy_version="p1",
    catalogue_version="c1",
    features=(
        CodedField(name="age", lower=18, upper=67, values=None),
        CodedField(name="has_eid", lower=1, upper=2, values=("YES", "NO")),
    ),
    mixes=(CodedMix(id="DIGITAL", minutes=5), CodedMix(id="PERSONAL", minutes=60)),
    statuses=("", "RECOMMENDED", "NEEDS_ASSESSMENT"),
    safeguards=("RESERVED",),
)
DOCUMENT = (
    '{"catalogue_version":"c1","features":['
    '{"lower":18,"name":"age","upper":67,"values":null},'
    '{"lower":1,"name":"has_eid","upper":2,"values":["YES","NO"]}],'
    '"mixes":[{"id":"DIGITAL","minutes":5},{"id":"PERSONAL","minutes":60}],'
    f'"model_sha256":"{"0" * 64}","model_version":"v1-\\u00e6","policy_version":"p1",'
    '"safeguards":["RESERVED"],"statuses":["","RECOMMENDED","NEEDS_ASSESSMENT"],'
    '"synthetic_model":true}'
)
# Written by version 0.3.0.
PAYLOAD = bytes.fromhex(
    "03000100"  # row
    "000000000000d03f000000000000f87f"  # expected
    "000000000000e03f000000000000e83f"  # error
    "0000a04000007042"  # minutes
    "0200000000000000"  # permitted
    "0102"  # mix, status
    "0000000000000080"  # safeguards
    "05"  # doubts
    "2d431cebe2363a3f000000000000f83f000000000000f03f"  # price, weight, propensity
    "73616b2dc3a6006f66666963652d30310041465445525f4f574e5f56494557"
)
TAIL = Tail("sak-æ", "office-01", AFTER_OWN_VIEW)
COLUMNS: dict[str, Any] = {
    "row": (3, 1),
    "expected": (0.25, np.nan),
    "error": (0.5, 0.75),
    "minutes": (5.0, 60.0),
    "permitted": 0b10,
    "mix": 1,
    "status": 2,
    "safeguards": 1 << 63,
    "doubts": 5,
    "price": 0.0004,
    "weight": 1.5,
    "propensity": 1.0,
}


def stored(record: Record, seq: int = 1) -> StoredRecord:
    return StoredRecord(
        seq=seq,
        id=record.id,
        kind=record.kind,
        context=record.context,
        written_at=record.written_at,
        payload=record.payload,
        salt=b"",
        commitment=b"",
        head=b"",
        about=None,
    )


def unpacked(*records: StoredRecord) -> list[Unpacked]:
    return list(Chunk(list(records)).by_context())


def test_the_bytes_of_a_context_document_never_change() -> None:
    context = READING.context()
    assert context.document == DOCUMENT
    assert context.digest == hashlib.sha256(DOCUMENT.encode()).digest()


def test_the_bytes_of_a_record_never_change() -> None:
    assert Layout(2, 2).pack(TAIL, **COLUMNS) == PAYLOAD


def test_a_context_is_read_back_equal() -> None:
    assert Reading.of(READING.context()) == READING
    assert Reading.of(a_reading().context()) == a_reading()


@pytest.mark.parametrize(
    "document", ["", "[]", "no JSON", '{"kind":"choice"}', DOCUMENT.replace("18", '"18"')]
)
def test_a_context_that_is_none_of_a_recommendation_is_broken(document: str) -> None:
    with pytest.raises(JournalBroken, match=r"context [0-9a-f]{12}: cannot be read"):
        Reading.of(Context(document=document))


def test_the_layout_is_packed_and_little_endian() -> None:
    dtype = Layout(3, 2).dtype
    assert dtype.itemsize == 3 * 2 + 2 * (8 + 8 + 4) + 8 + 1 + 1 + 8 + 1 + 3 * 8
    assert dtype["row"].base.str == "<u2"


@pytest.mark.parametrize("count", [0, 1, 1_000])
def test_what_is_packed_is_unpacked_unchanged(count: int) -> None:
    layout = Layout(4, 3)
    ways = [("", SHOWN), ("office-01", SHOWN), ("", CONTROL), ("office-01", AFTER_OWN_VIEW)]
    tails = [Tail(f"sak-{at}-æ", *ways[at % len(ways)]) for at in range(count)]
    written = np.zeros(count, layout.dtype)
    written["row"] = np.arange(count * 4).reshape(count, 4)
    written["expected"] = np.nan
    written["mix"] = NO_MIX
    written["safeguards"] = 1 << 63
    names = layout.dtype.names or ()

    payloads = [
        layout.pack(tail, **{name: one[name].tolist() for name in names})
        for tail, one in zip(tails, written, strict=True)
    ]
    found, read = layout.unpack(payloads)
    assert found.tobytes() == written.tobytes()
    assert read == tails


def test_a_payload_that_is_too_short_is_named() -> None:
    layout = Layout(1, 1)
    with pytest.raises(ValueError, match=r"payloads\[1\]: 3 bytes, a row takes"):
        layout.unpack([bytes(layout.dtype.itemsize), b"abc"])


def test_a_tail_of_more_parts_than_are_known_is_refused() -> None:
    with pytest.raises(ValueError, match="a tail of 4 parts"):
        Tail.parse("a\0b\0c\0d")


@pytest.mark.parametrize(("features", "mixes"), [(0, 1), (1, 0), (1, 65)])
def test_more_mixes_than_mask_bits_or_nothing_at_all_are_refused(features: int, mixes: int) -> None:
    with pytest.raises(ValueError, match=r"features: 0|mixes: (0|65)"):
        Layout(features, mixes)


def test_a_recommendation_is_read_by_name() -> None:
    record = a_recorded_recommendation(
        READING, *TAIL, mix=1, status=1, permitted=0b11, row=(3, 1), at=7
    )
    found = read_recommendation(stored(record))
    assert found is not None
    assert (found.case_ref, found.office_ref, found.disclosure) == TAIL
    assert (found.mix, found.status, found.written_at) == ("PERSONAL", "RECOMMENDED", 7)
    assert (found.mixes, found.permitted) == (("DIGITAL", "PERSONAL"), ("DIGITAL", "PERSONAL"))
    assert found.minutes_of("PERSONAL") == 60


def test_an_erased_recommendation_tells_nothing() -> None:
    record = stored(a_recorded_recommendation(READING, "c-1"))._replace(payload=None)
    assert read_recommendation(record) is None
    (part,) = unpacked(record)
    assert part.records == []


@pytest.mark.parametrize("columns", [{"mix": 2}, {"mix": -2}, {"status": 3}])
def test_what_the_context_does_not_name_is_damage(columns: dict[str, int]) -> None:
    damaged = stored(a_recorded_recommendation(READING, "c-1", **columns), seq=9)
    with pytest.raises(JournalBroken, match="record 9: is not a valid recommendation"):
        read_recommendation(damaged)
    good = stored(a_recorded_recommendation(READING, "c-1"), seq=8)
    with pytest.raises(
        JournalBroken, match=r"record 9: is not a valid recommendation: (mix|status): not one of"
    ):
        unpacked(good, damaged)


def test_a_lost_context_is_damage() -> None:
    record = stored(a_recorded_recommendation(READING, "c-1"), seq=4)
    with pytest.raises(JournalBroken, match="record 4: its context is missing or altered"):
        unpacked(record._replace(context=Context(document="")))


def test_records_come_in_chain_order_and_those_of_a_context_are_unpacked_together(
    tmp_path: Path,
) -> None:
    store = SqliteJournal(tmp_path / "journal.db")
    readings = [READING, a_reading(), READING, a_reading(), READING]
    written = [a_recorded_recommendation(one, f"c-{n}") for n, one in enumerate(readings)]
    store.write_batch(written)
    store.erase([written[2].id])
    (chunk,) = recommendations(store)
    store.close()
    assert [record.seq for record in chunk.records] == [1, 2, 3, 4, 5]
    found = [(part.places.tolist(), [tail.case_ref for tail in part.tails], part.reading)
             for part in chunk.by_context()]  # fmt: skip
    assert found == [([0, 4], ["c-0", "c-4"], READING), ([1, 3], ["c-1", "c-3"], a_reading())]
    # Places are among those picked.
    assert [part.places.tolist() for part in chunk.held().by_context()] == [[0, 3], [1, 2]]


def test_a_chunk_holds_no_more_than_may_be_in_memory(tmp_path: Path) -> None:
    store = SqliteJournal(tmp_path / "journal.db")
    one = a_recorded_recommendation(READING, "c-1")
    store.write_batch([one._replace(id=at.to_bytes(16, "big")) for at in range(CHUNK + 1)])
    sizes = [len(chunk) for chunk in recommendations(store)]
    store.close()
    assert sizes == [CHUNK, 1]
