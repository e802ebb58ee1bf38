"""Requests that are too large, too many, or of values that no field means."""

from __future__ import annotations

import math
import uuid
from pathlib import Path

import grpc

from router.v1 import case_pb2, caseload_pb2, channel_router_pb2
from tests.builders import a_case
from tests.e2e.conftest import of_bytes
from tests.faults.fault import fault
from tests.faults.served import Served

RECOMMEND = "/router.v1.ChannelRouter/Recommend"
BATCH = "/router.v1.ChannelRouter/RecommendBatch"
PLAN = "/router.v1.CaseloadPlanner/PlanCaseload"
CHOICE = "/router.v1.Feedback/RecordChoice"
KIB, MIB = 1 << 10, 1 << 20
REFUSED, TOO_LARGE = "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"


def a_request(**fields: object) -> bytes:
    return channel_router_pb2.RecommendRequest(case=a_case(**fields)).SerializeToString()


def with_ref(ref: bytes) -> bytes:
    """Gives a request whose reference is of these bytes, UTF-8 or not."""
    case = b"\x0a" + varint(len(ref)) + ref
    return b"\x0a" + varint(len(case)) + case


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def unary() -> list[tuple[str, str, bytes, str]]:
    """Gives what each is, its method, its bytes and the code that is documented."""
    plain, nobody = a_request(), case_pb2.Case()
    padding = b"\xba\x3e"  # field 999, of bytes: nobody knows it
    many = channel_router_pb2.RecommendBatchRequest(cases=[nobody] * 100_000)
    unknown_number = plain + b"\x10\xe7\x07"  # view = 999
    return [
        ("a usual one", RECOMMEND, plain, "OK"),
        ("with an unknown field", RECOMMEND, plain + padding + b"\x03abc", "OK"),
        ("64 KiB and one byte", RECOMMEND, with_ref(b"a" * (64 * KIB + 1)), REFUSED),
        ("a text of 1 MB", RECOMMEND, with_ref(b"a" * 1_000_000), REFUSED),
        ("4 MiB", RECOMMEND, plain + padding + varint(4 * MIB) + bytes(4 * MIB), TOO_LARGE),
        ("100 MiB", RECOMMEND, plain + padding + varint(100 * MIB) + bytes(100 * MIB), TOO_LARGE),
        ("100,000 empty cases", BATCH, many.SerializeToString(), REFUSED),
        ("no bytes", RECOMMEND, b"", REFUSED),
        ("an unknown value of an enum", RECOMMEND, unknown_number, REFUSED),
        ("NUL in a reference", RECOMMEND, with_ref(b"c-1\0"), REFUSED),
        ("a lone surrogate", RECOMMEND, with_ref(b"c-\xed\xa0\x80"), REFUSED),
        ("half a character", RECOMMEND, with_ref(b"c-\xc3"), REFUSED),
        ("a length beyond the end", RECOMMEND, b"\x0a\xff\xff\xff\xff\x07", REFUSED),
        ("a varint without an end", RECOMMEND, b"\x10" + b"\xff" * 20, REFUSED),
        ("groups 10,000 deep", RECOMMEND, b"\x0b" * 10_000, REFUSED),
        ("a nil request id", CHOICE, b"\x0a\x24" + str(uuid.UUID(int=0)).encode(), REFUSED),
        # "This or more": counts have a top.
        ("a number of 2^31 - 1", RECOMMEND, a_request(weeks_registered=2**31 - 1), "OK"),
        ("a number of -2^31", RECOMMEND, a_request(weeks_registered=-(2**31)), REFUSED),
    ]


HOURS = {
    "NaN": math.nan,
    "infinite": math.inf,
    "minus infinite": -math.inf,
    "negative": -1.0,
    "above the bound": 1e308,
}


@fault(
    row="10",
    done="requests of 64 KiB + 1, 1 MB, 4 MiB and 100 MiB, 100,000 elements, NUL, surrogates, half "
    "characters, endless varints, deep groups, NaN and infinities, {} rounds",
    passes="each ends with the documented code; usual calls are answered in between",
    full=50,
    short=1,
)
def sizes(rounds: int, folder: Path) -> str:
    server = Served(folder)
    calls = 0
    options = (("grpc.max_send_message_length", -1),)
    try:
        with server.channel(*options) as channel:
            grpc.channel_ready_future(channel).result(20)
            for _ in range(rounds):
                for what, method, data, code in unary():
                    found = code_of(channel, method, data)
                    assert found == code, f"{what}: {found} instead of {code}"
                    calls += 1
                for what, hours in HOURS.items():
                    found = plan_code(channel, hours)
                    assert found == REFUSED, f"hours {what}: {found} instead of {REFUSED}"
                    calls += 1
                assert plan_code(channel, -0.0) == plan_code(channel, 5e-324) != "INTERNAL"
                assert code_of(channel, RECOMMEND, a_request()) == "OK"
        assert not server.errors(), server.errors()
        memory = server.memory()
    finally:
        server.end()
    return f"{calls:,} calls, each with its code; memory {memory:.0f} MiB"


def code_of(channel: grpc.Channel, method: str, data: bytes) -> str:
    try:
        of_bytes(channel, method)(data, timeout=60)
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"


def plan_code(channel: grpc.Channel, hours: float) -> str:
    """Asks for a plan of one case within so many hours."""
    header = caseload_pb2.PlanHeader(office_ref="office-01", hours=hours)
    messages = [
        caseload_pb2.PlanCaseloadRequest(header=header),
        caseload_pb2.PlanCaseloadRequest(cases=caseload_pb2.CaseChunk(cases=[a_case()])),
    ]
    call: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(PLAN)
    try:
        for _ in call(iter([one.SerializeToString() for one in messages]), timeout=60):
            pass
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"
