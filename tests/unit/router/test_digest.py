"""Digests over joined values: no two lists of values give the same bytes."""

import hashlib
from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from router.digest import Value, digest, encoded, keyed_digest
from router.journal.chain import commitment, next_head
from router.serving.paging import next_token

VALUES = st.lists(st.none() | st.integers() | st.binary(max_size=4) | st.text(max_size=4))


def typed(values: list[Value]) -> list[tuple[type, Value]]:
    return [(type(value), value) for value in values]


@given(VALUES, VALUES)
def test_two_lists_never_give_the_same_bytes(one: list[Value], other: list[Value]) -> None:
    assert (encoded(*one) == encoded(*other)) == (typed(one) == typed(other))


def test_bytes_that_move_between_values_change_the_digest() -> None:
    lists: list[list[Value]] = [
        ["a", "bc"], ["ab", "c"], ["abc"], ["a", b"bc"], [b"abc"], ["a", "bc", ""],
        ["a", "bc", None], [1, 23], [12, 3], ["s1:a", "bc"], [],
    ]  # fmt: skip
    for one, other in combinations(lists, 2):
        assert digest(*one) != digest(*other)
        assert keyed_digest(b"key", *one) != keyed_digest(b"key", *other)


FIELDS = st.fixed_dictionaries(
    {
        "kind": st.text(alphabet="ab:", max_size=3),
        "about": st.none() | st.sampled_from([b"a" * 16, b"b" * 16]),
        "claim": st.none() | st.text(alphabet="ab:", max_size=3),
        "caller": st.text(alphabet="ab:", max_size=3),
        "seq": st.integers(0, 2),
    }
)


@given(FIELDS, FIELDS)
def test_two_records_never_have_the_same_head(one: dict[str, Any], other: dict[str, Any]) -> None:
    fixed: dict[str, Any] = {"previous": bytes(32), "id": bytes(16), "written_at": 1}
    rest: dict[str, Any] = {"context_digest": bytes(32), "commitment": bytes(32)}
    heads = [next_head(**fixed, **rest, **fields) for fields in (one, other)]
    assert (heads[0] == heads[1]) == (one == other)


def test_a_subject_and_a_payload_do_not_run_into_each_other() -> None:
    salt, context = bytes(16), bytes(32)
    found = {
        commitment(salt, context, b"p", None),
        commitment(salt, context, b"p", bytes(16)),
        commitment(salt, context, bytes(16) + b"p", None),
        commitment(salt, context, b"\1" + bytes(16) + b"p", None),
        commitment(salt, context, b"", b"p" * 16),
    }
    assert len(found) == 5


def test_a_head_of_the_second_version_is_none_of_the_first() -> None:
    # The first begins with a digest, the second with a name: nobody can make the one the other.
    arguments = (bytes(32), 1, bytes(16), "choice", 1, bytes(32), bytes(32), None, None, "")
    first = bytes(32) + (1).to_bytes(8, "big") + bytes(16) + b"choice" + (1).to_bytes(8, "big")
    assert next_head(*arguments) != hashlib.sha256(first + bytes(32)).digest()


def test_filters_of_a_page_do_not_run_into_each_other() -> None:
    # Lengths before each text: a name cannot end in a value.
    tokens = {
        next_token("List", filters, "1")
        for filters in ({"a": "bc"}, {"ab": "c"}, {"a": "b", "c": ""}, {"a": "2:bc"}, {})
    }
    assert len(tokens) == 5
