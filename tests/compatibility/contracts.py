"""The contract of 0.3.0 as its own messages, and calls that were made with them.

The contract is kept as `buf build proto --as-file-descriptor-set` wrote it. Its messages are made
from that, apart from today's: a program has one contract, and a test of two needs both.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

FOLDER = Path(__file__).parent / "of_0_3_0"
CALLS = FOLDER / "calls.jsonl"
_DETAILS = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that 0.3.0 was asked, and what came back.

    Attributes:
        method: e.g. "router.v1.Feedback/ListReviews".
        requests: messages as JSON, by the contract's names; "$decision" stands for the id of a
            decision made just before.
        answers: bytes of the messages, in base64.
        code: name of the status.
        message: that goes with it.
        details: bytes of the google.rpc.Status, in base64; "" for none.
    """

    method: str
    requests: list[Any]
    answers: list[str]
    code: str
    message: str
    details: str

    @property
    def path(self) -> str:
        """The method as it is on the wire."""
        return f"/{self.method}"

    @property
    def bytes_of_answers(self) -> list[bytes]:
        """The answers as they came."""
        return [base64.b64decode(one) for one in self.answers]


class Contract:
    """A contract from a set of file descriptors, with messages of its own."""

    def __init__(self, files: descriptor_pb2.FileDescriptorSet) -> None:
        self.files = files
        self._pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            self._pool.Add(file)

    @classmethod
    def of_0_3_0(cls) -> Contract:
        """Gives the previous release's."""
        kept = (FOLDER / "contract.binpb").read_bytes()
        return cls(descriptor_pb2.FileDescriptorSet.FromString(kept))

    def methods(self) -> Iterator[MethodDescriptor]:
        """Gives every call of every service."""
        for file in self.files.file:
            for service in file.service:
                full = f"{file.package}.{service.name}"
                yield from self._pool.FindServiceByName(full).methods

    def method(self, name: str) -> MethodDescriptor:
        """Gives a call by its name on the wire."""
        service, _, call = name.partition("/")
        return self._pool.FindServiceByName(service).methods_by_name[call]

    def kind(self, message: Descriptor) -> type[Message]:
        """Gives the class of a message."""
        return message_factory.GetMessageClass(message)

    def message(self, name: str) -> type[Message]:
        """Gives the class of a message by its full name."""
        return self.kind(self._pool.FindMessageTypeByName(name))

    def request(self, method: str, request: Any) -> bytes:
        """Gives the bytes of a request that is given as JSON."""
        kind = self.kind(self.method(method).input_type)
        return ParseDict(request, kind()).SerializeToString()

    def answer(self, method: str, data: bytes) -> Message:
        """Reads an answer."""
        return self.kind(self.method(method).output_type).FromString(data)


def calls() -> list[Call]:
    """Gives the calls that are kept."""
    lines = CALLS.read_text(encoding="utf-8").splitlines()
    return [Call(**json.loads(line)) for line in lines]


def keep(them: list[Call]) -> None:
    """Writes calls to keep."""
    lines = [json.dumps(asdict(one), ensure_ascii=False, sort_keys=True) for one in them]
    CALLS.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def ask(channel: grpc.Channel, contract: Contract, method: str, requests: list[Any]) -> Call:
    """Makes a call with the messages of a contract."""
    answers: list[bytes] = []
    code, message, details = "OK", "", b""
    # On the wire a unary call is a stream of one.
    call: Any = channel.stream_stream(f"/{method}")
    try:
        answers += call(iter([contract.request(method, one) for one in requests]), timeout=20)
    except grpc.RpcError as error:
        code, message = error.code().name, error.details() or ""
        for one in error.trailing_metadata() or ():
            if one.key == _DETAILS:
                details = one.value
    return Call(
        method=method,
        requests=requests,
        answers=[base64.b64encode(one).decode() for one in answers],
        code=code,
        message=message,
        details=base64.b64encode(details).decode(),
    )
