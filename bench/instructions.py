"""How much one answer costs, in steps of the interpreter and not in seconds.

`python -m bench.instructions` prints how many bytecode instructions and calls into C each part of
an answer takes. They are the same on every machine with the same Python and libraries, so a test
holds them to bounds: what makes the core slower is seen in CI, where seconds would say nothing.
What a call into C does is not in them (`make bench` is).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from router.advice.recommender import Recommender
from router.cases.message import encode
from router.commands.demo import eight_people
from router.commands.score import load_decider
from router.journal.recommendation import SHOWN
from router.serving.requests import View
from router.serving.routing.recommendation import RecommendationWriter
from router.texts import load_texts
from router.v1 import recommendation_pb2
from router.versions.registry import promoted_version
from tests.builders import the_promoted_model

MODELS, POLICIES = Path("models"), Path("policies")
MANY = 64
"""Cases of the parts that are asked together."""


class Steps(NamedTuple):
    """Steps of one call: bytecode instructions, and calls into C."""

    instructions: int
    calls: int


def steps(call: Callable[[], object]) -> Steps:
    """Counts the steps of a call, once it has made what it keeps."""
    found = {"opcode": 0, "c_call": 0}

    def trace(frame: FrameType, event: str, _: object) -> Any:
        # Not of lines, which nobody asks for, but of each instruction.
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            found["opcode"] += 1
        return trace

    def profile(_: FrameType, event: str, __: object) -> None:
        if event == "c_call":
            found["c_call"] += 1

    call()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(None)
    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(None)
    return Steps(found["opcode"], found["c_call"])


def parts() -> dict[str, Callable[[], object]]:
    """Gives the parts of an answer, by name."""
    decider = load_decider(MODELS / promoted_version(MODELS), POLICIES)[0]
    recommender = Recommender(the_promoted_model(), decider)
    writer = RecommendationWriter(recommender, load_texts())
    people = [case for _, case in eight_people()]
    rows = [encode(case, []) for case in people]
    many = [rows[number % len(rows)] for number in range(MANY)]

    def written(view: View, number: int) -> Callable[[], object]:
        some = [rows[place % len(rows)] for place in range(number)]
        advice, _ = recommender.decide(some, [people[0].case_ref] * number)
        assert all(one.disclosure == SHOWN for one in advice)

        def write() -> None:
            answers = [recommendation_pb2.Recommendation() for _ in advice]
            writer.write(advice, [view] * number, answers)

        return write

    basic, full = View("nb", full=False), View("nb", full=True)
    array = np.array(many, np.uint16)
    return {
        "read a case": lambda: encode(people[0], []),
        "decide one": lambda: decider.decide_each(rows[:1]),
        f"decide {MANY}": lambda: decider.decide(array),
        "decide and record one": lambda: recommender.decide(rows[:1], [people[0].case_ref]),
        "write one, BASIC": written(basic, 1),
        "write one, FULL": written(full, 1),
        f"write {MANY}, FULL": written(full, MANY),
    }


def main() -> None:
    """Prints the steps of each part as JSON: instructions, calls into C."""
    print(json.dumps({name: steps(call) for name, call in parts().items()}, indent=1))


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m bench.instructions", description=__doc__).parse_args()
    main()
