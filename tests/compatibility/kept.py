"""What version 0.3.0 was asked and answered, and how today's service is asked the same again.

Ids, moments and the day of today differ from run to run. They get names in the order in which they
are first seen, in answers and in later requests alike, so that what refers to one another still
does.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from router.v1 import caseload_pb2, channel_router_pb2, feedback_pb2, models_pb2
from tests.builders import ROOT
from tests.e2e.conftest import Server, start

FOLDER = Path(__file__).parent / "of_0_3_0"
ANSWERS = FOLDER / "answers.jsonl.gz"
REGISTERED = (
    caseload_pb2,
    channel_router_pb2,
    error_details_pb2,
    feedback_pb2,
    models_pb2,
)
"""Modules whose messages are looked up by name."""
GROUPS = ("recommendations", "several", "catalogue", "feedback", "plans")
WITHIN = 60
_ENDS_WITHIN = 10
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_NAME = re.compile(r"id-\d+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_ENOUGH_CASES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a call came to: the answers, and code, message and details if it failed."""

    answers: list[Any] = field(default_factory=list)
    code: str = "OK"
    message: str = ""
    details: list[Any] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A call and what it came to. A request is a message as JSON, or bytes that are none."""

    group: str
    name: str
    method: str
    requests: list[Any]
    outcome: Outcome


def alike(ours: Any, theirs: Any) -> bool:
    """Tells whether two JSON values are the same, but for the last digits of a number.

    In 0.3.0 those depended on the processor.
    """
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(alike(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(alike, ours, theirs))
    if isinstance(ours, float) and isinstance(theirs, float):
        return math.isclose(ours, theirs, rel_tol=1e-12, abs_tol=1e-15)
    return bool(ours == theirs)


class Names:
    """Names for what differs from run to run."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        now = datetime.now(UTC)
        days = [(now + timedelta(days=days)).strftime("%Y-%m-%d") for days in (-1, 0, 1)]
        self._today = re.compile("|".join(days))
        self._day = days[1]

    def hide(self, content: Any) -> Any:
        """The content, a JSON value, with names instead of ids, moments and the day of today."""
        text = _ID.sub(self._name, json.dumps(content, ensure_ascii=False, sort_keys=True))
        return json.loads(self._today.sub("TODAY", _MOMENT.sub("MOMENT", text)))

    def show(self, content: Any) -> Any:
        """The content with the ids and the day that the names stand for."""
        text = json.dumps(content, ensure_ascii=False)
        text = _NAME.sub(lambda found: self._ids.get(found.group(), found.group()), text)
        return json.loads(text.replace("TODAY", self._day))

    def _name(self, found: re.Match[str]) -> str:
        name = self._names.setdefault(found.group(), f"id-{len(self._names)}")
        self._ids[name] = found.group()
        return name


class Asker:
    """Asks a server, in one order, and tells what came of it in names."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel
        self.names = Names()

    def ask(self, method: str, requests: list[Any]) -> Outcome:
        """Makes a call; the requests may have names of what came before."""
        return self.send(method, [to_bytes(method, self.names.show(one)) for one in requests])

    def send(self, method: str, requests: list[bytes]) -> Outcome:
        """Makes a call with requests as bytes."""
        answers: list[bytes] = []
        try:
            # On the wire a unary call is a stream of one.
            call: Any = self._channel.stream_stream(f"/{method}")
            answers += call(iter(requests), timeout=WITHIN)
        except grpc.RpcError as error:
            return self._failed(method, answers, error)
        return Outcome(answers=self._told(method, answers))

    def _told(self, method: str, answers: list[bytes]) -> list[Any]:
        return [self.names.hide(_to_json(_kind(method, "output_type").FromString(one)))
                for one in answers]  # fmt: skip

    def _failed(self, method: str, answers: list[bytes], error: grpc.RpcError) -> Outcome:
        status = status_pb2.Status()
        for one in error.trailing_metadata() or ():
            if one.key == "grpc-status-details-bin":
                status.MergeFromString(one.value)
        return Outcome(
            answers=self._told(method, answers),
            code=error.code().name,
            message=self.names.hide(error.details()),
            details=self.names.hide(_to_json(status)).get("details", []),
        )


def exchanges(group: str | None = None) -> list[Exchange]:
    """The calls that are kept, in their order; those of one group if it is given."""
    lines = gzip.decompress(ANSWERS.read_bytes()).decode().splitlines()
    found = [json.loads(line) for line in lines]
    return [
        Exchange(**(one | {"outcome": Outcome(**one["outcome"])}))
        for one in found
        if group in (None, one["group"])
    ]


def keep(them: list[Exchange]) -> None:
    """Writes the calls that are kept; equal calls are equal bytes."""
    lines = [json.dumps(asdict(one), ensure_ascii=False, sort_keys=True) for one in them]
    ANSWERS.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), 9, mtime=0))


@contextmanager
def a_server(folder: Path, *flags: str) -> Iterator[Server]:
    """A server process with the policies and the model version that are kept."""
    lay_out(folder)
    # Of its own, so that the same cases are drawn each time. 0.3.0 drew without a key; with this
    # one the cases that get feedback fall into nearly the same groups.
    key = folder / "draw-key"
    key.write_text("kept with the answers of 0.3.0, 84796\n")
    served = start(
        folder,
        *("--models", str(folder / "models"), "--policies", str(folder / "policies")),
        *("--draw-key", str(key)),
        *flags,
    )
    try:
        yield served
    finally:
        served.channel.close()
        served.process.terminate()
        served.process.communicate(timeout=_ENDS_WITHIN)


def lay_out(folder: Path) -> None:
    """Copies policies and the model version, fitted to the fields that a case has today."""
    shutil.copytree(FOLDER / "policies", folder / "policies", dirs_exist_ok=True)
    shutil.copytree(FOLDER / "models", folder / "models", dirs_exist_ok=True)
    version = (folder / "models" / "promoted").read_text().strip()
    promoted = (ROOT / "models" / "promoted").read_text().strip()
    today = json.loads((ROOT / "models" / promoted / "manifest.json").read_text())
    _fit_to(folder / "models" / version, today)

    # What an agency must add to its catalogue: who takes the place of a call that cannot be held.
    catalogue = folder / "policies" / "mixes.toml"
    call = 'channel = "PHONE", first_week = 2, every_n_days = 14, minutes = 18'
    text = catalogue.read_text()
    assert text.count(call) == 1
    catalogue.write_text(text.replace(call, f'{call}, instead = ["VIDEO", "OFFICE_MEETING"]'))


def _fit_to(version: Path, today: dict[str, Any]) -> None:
    """Gives fields that have come since 0.3.0 a place in the tables that changes no value."""
    manifest = json.loads((version / "manifest.json").read_text())
    if manifest["features"] == today["features"]:
        return
    with np.load(version / "tables.npz") as archive:
        arrays = dict(archive)
    place, values, counts = {}, arrays["values"], arrays["counts"]
    start_of = 0
    for one in manifest["features"]:
        place[one["name"]] = slice(start_of, start_of := start_of + _slots(one))
    for name, whole in (("values", values), ("counts", counts)):
        new = partial(_new_slots, whole, 0 if name == "values" else _ENOUGH_CASES)
        arrays[name] = np.concatenate(
            [
                whole[place[one["name"]]] if one["name"] in place else new(_slots(one))
                for one in today["features"]
            ]
        )
    np.savez(version / "tables.npz", **arrays)
    manifest |= {name: today[name] for name in ("features", "format")}
    digest = hashlib.sha256((version / "tables.npz").read_bytes()).hexdigest()
    manifest["sha256"]["tables.npz"] = digest
    (version / "manifest.json").write_text(json.dumps(manifest))


def _new_slots(like: np.ndarray, value: int, count: int) -> np.ndarray:
    return np.full((count, *like.shape[1:]), value, like.dtype)


def _slots(feature: dict[str, Any]) -> int:
    """Unknown, and each value."""
    return int(feature["upper"] - feature["lower"] + 2)


def to_request(method: str, data: bytes) -> Any:
    """A request as it is kept: a message as JSON, or bytes where JSON would not give them back."""
    kind = _kind(method, "input_type")
    try:
        message = _to_json(kind.FromString(data))
        if to_bytes(method, message) == data:
            return message
    except (DecodeError, ParseError, ValueError, TypeError):
        pass
    return {"bytes": base64.b64encode(data).decode()}


def to_bytes(method: str, request: Any) -> bytes:
    """The bytes of a request that is kept."""
    if "bytes" in request:
        return base64.b64decode(request["bytes"])
    return ParseDict(request, _kind(method, "input_type")()).SerializeToString()


def _to_json(message: Message) -> Any:
    return MessageToDict(message, preserving_proto_field_name=True)


def _kind(method: str, side: str) -> type[Message]:
    """The class of a method's messages, e.g. of router.v1.ChannelRouter/Recommend."""
    service, _, name = method.partition("/")
    found = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    return message_factory.GetMessageClass(getattr(found, side))
