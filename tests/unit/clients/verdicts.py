"""Judges messages by protovalidate: lines of "MESSAGE BASE64" in, lines of violated fields out.

A process of its own: the contract for callers and the server's have the same names.
"""

import base64
import sys

import protovalidate

from router.v1 import case_pb2, caseload_pb2, channel_router_pb2, feedback_pb2

FILES = (case_pb2, caseload_pb2, channel_router_pb2, feedback_pb2)


def violated(line: str) -> list[str]:
    name, _, data = line.strip("\n").partition(" ")
    (kind,) = (getattr(file, name) for file in FILES if hasattr(file, name))
    message = kind.FromString(base64.b64decode(data))
    found = []
    for violation in protovalidate.collect_violations(message):
        path = [element.field_name for element in violation.proto.field.elements]
        found.append(".".join(path) or violation.proto.rule_id)
    return sorted(set(found))


for line in sys.stdin:
    sys.stdout.write(" ".join(violated(line)) + "\n")
