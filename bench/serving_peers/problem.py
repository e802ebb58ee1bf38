"""What all are asked: the same cases, as messages for ours and as numbers for the peers.

The peers serve two models of scikit-learn that give a chance for each of twelve mixes. Ours serves
the promoted version's tables, and says beside it what is permitted, what it costs and why.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.wire import Call
from router.cases.features import FEATURES
from router.commands.demo import plain_case
from router.decision.schema import Role
from router.v1 import case_pb2

Floats = NDArray[np.float64]
MIXES = 12
# As many trees as ours was distilled from have steps for twelve mixes, each of eight leaves.
ROUNDS, LEAVES = 100, 8
LEARNED = 5_000
CASES = 1_000
# As many different calls as are sent in turn: of one alone, a processor learns the way.
CALLS = 64
_FIELDS = [feature for feature in FEATURES.features if Role.MODEL in feature.roles]


@dataclass(frozen=True, slots=True)
class Model:
    """A model in a file, and what it says of each case."""

    path: Path
    chances: Floats


def cases() -> tuple[list[case_pb2.Case], Floats]:
    """Draws cases with everything known: messages, and the model's fields as rows of numbers."""
    rng = np.random.default_rng(0)
    columns = [rng.integers(field.lower, field.upper + 1, CASES) for field in _FIELDS]
    rows = np.column_stack(columns)
    messages = []
    for number, row in enumerate(rows):
        message = plain_case(f"c-{number:08x}")
        for field, value in zip(_FIELDS, row, strict=True):
            setattr(message, field.name, int(value))
        messages.append(message)
    return messages, rows.astype(float)


def models(folder: Path, rows: Floats) -> dict[str, Model]:
    """Fits the two models, on more cases that are drawn alike, and writes them."""
    # Seconds to import, and of no use to whoever writes the page or tests what is sent.
    import joblib
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    many = np.column_stack([rng.integers(f.lower, f.upper + 1, LEARNED) for f in _FIELDS])
    scaled = (many - many.mean(axis=0)) / many.std(axis=0)
    worth = scaled @ rng.normal(size=(len(_FIELDS), MIXES)) + rng.gumbel(size=(LEARNED, MIXES))
    mix = worth.argmax(axis=1)
    boosted = HistGradientBoostingClassifier(
        max_iter=ROUNDS, max_leaf_nodes=LEAVES, early_stopping=False, random_state=0
    )
    made = {"boosted": boosted, "linear": LogisticRegression(max_iter=100)}
    found = {}
    for name, model in made.items():
        path = folder / f"{name}.joblib"
        # A linear one learns from fields of one size; its weights are told of fields as they are.
        if name == "linear":
            model.fit(scaled, mix)
            model.coef_ = model.coef_ / many.std(axis=0)
            model.intercept_ = model.intercept_ - model.coef_ @ many.mean(axis=0)
        else:
            model.fit(many.astype(float), mix)
        joblib.dump(model, path)
        found[name] = Model(path, model.predict_proba(rows))
    return found


def in_bytes(chances: Floats) -> bytes:
    """Gives what an answer in doubles must hold: the largest chance, to about ten digits.

    Of a double only the higher six bytes: sums of many rows are rounded otherwise than of one.
    """
    return struct.pack("<d", chances.max())[2:]


def in_json(chances: Floats) -> bytes:
    """Gives what an answer in JSON must hold: the largest chance, to ten digits."""
    return repr(float(chances.max()))[:12].encode()


def bare(rows: Floats) -> bytes:
    """Writes google.protobuf.BytesValue."""
    return _field(1, rows.tobytes())


def inference(rows: Floats, *, raw: bool) -> bytes:
    """Writes inference.ModelInferRequest, of the protocol that MLServer and KServe share."""
    shape = b"".join(_number(size) for size in rows.shape)
    tensor = _field(1, b"rows") + _field(2, b"FP64") + _field(3, shape)
    if raw:
        return _field(1, b"model") + _field(5, tensor) + _field(7, rows.tobytes())
    return _field(1, b"model") + _field(5, tensor + _field(5, _field(7, rows.tobytes())))


def plain_json(rows: Floats) -> bytes:
    """Writes an object with the rows."""
    return json.dumps({"rows": rows.tolist()}).encode()


def calls(
    rows: Floats,
    chances: Floats,
    write: Callable[[Floats], bytes],
    holds: Callable[[Floats], bytes],
    size: int = 1,
) -> list[Call]:
    """Makes calls of so many cases each; looked for is what is told of the last one."""
    ends = range(size, len(rows) + 1, size) if size > 1 else range(1, CALLS + 1)
    return [Call(write(rows[end - size : end]), holds(chances[end - 1])) for end in ends]


def our_calls(requests: Sequence[Any], mixes: Sequence[bytes], size: int = 1) -> list[Call]:
    """Makes calls of messages; looked for is the advised mix of the last case of each."""
    ends = range(size, size * len(requests) + 1, size)
    pairs = zip(requests, ends, strict=True)
    return [Call(request.SerializeToString(), mixes[end - 1]) for request, end in pairs]


def _number(value: int) -> bytes:
    """Writes an integer in steps of seven bits."""
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes(written) + bytes((value,))


def _field(number: int, payload: bytes) -> bytes:
    """Writes a field of bytes, as protobuf does."""
    return _number(number << 3 | 2) + _number(len(payload)) + payload
