"""In what an answer may differ from 0.3.0's: where facts contradict each other.

The cases that are kept were drawn at random, and some contradict themselves by a rule that 0.3.0
did not have. Their answers name it and ask for a person first, and so are never withheld. Of facts
that contradict each other the letter says since then that what follows is from the case as it
stands. All else about them, and every other answer, is as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from router.decision.contradictions import CONTRADICTIONS
from router.texts import Reader, load_texts
from tests.compatibility.kept import Outcome, alike

_SINCE = {
    "PLAN_ACTIVITY_BEFORE_REGISTERED",
    "WAITING_BEFORE_REGISTERED",
    "TALK_BUT_NO_CONTACT",
    "NO_BENEFIT_BUT_WEEKS",
}
_NEW = {frozenset(one.fields) for one in CONTRADICTIONS if one.name in _SINCE}
_SAID_SINCE = [
    texts.entries[reader.value]["as_it_stands"]
    for texts in load_texts().values()
    for reader in Reader
]
_DOUBT = "DOUBT_CONTRADICTION"
_ASKS_FIRST = "STATUS_NEEDS_ASSESSMENT"
_TELLS = {"contradictions", "doubts", "doubt_texts", "status", "plan", "text"}
"""What a contradiction changes in an answer: the facts, the doubt, what is done first."""
_ADVISED = {"changes"}
"""What plain advice alone has: nobody is told to change something before a person has asked."""
_WITHHELD = {"disclosure", "mix", "notice", "options", "permitted_mixes", "reasons"}
"""What else differs once an answer is not withheld any more."""


class Since:
    """Tells whether answers differ in nothing but what such a contradiction changes."""

    def __init__(self) -> None:
        self._shown_since: set[str] = set()
        """Decisions that 0.3.0 withheld. What it said of feedback about them no longer holds."""

    def explains(self, requests: list[Any], ours: Outcome, theirs: Outcome) -> bool:
        """Tells whether what a call came to now may differ as it does.

        Args:
            requests: of the call.
            ours: what it comes to today.
            theirs: what it came to.
        """
        if any(one.get("decision_id") in self._shown_since for one in requests):
            return True
        changed = list(_changed(ours.answers, theirs.answers))
        explained = ours.code == theirs.code and all(self._explained(*pair) for pair in changed)
        return explained and len(changed) > 0

    def _explained(self, ours: Any, theirs: Any) -> bool:
        """Tells it of what differs at one place of the answers."""
        if not (isinstance(ours, dict) and isinstance(theirs, dict) and "decision_id" in ours):
            return False
        told = ours.get("contradictions", [])
        if told and alike(_as_told_before(ours), theirs):
            return True
        new = [one for one in told if any(pair.issubset(one["fields"]) for pair in _NEW)]
        if not new or [one for one in told if one not in new] != theirs.get("contradictions", []):
            return False
        before, now = theirs.get("doubts", []), ours.get("doubts", [])
        if _DOUBT not in now or {*now} != {*before, _DOUBT} or ours["status"] != _ASKS_FIRST:
            return False

        may = _TELLS | (set() if theirs["status"] == _ASKS_FIRST else _ADVISED)
        if theirs["status"] == "STATUS_WITHHELD":
            may |= _WITHHELD
            self._shown_since.add(ours["decision_id"])
        elif not all(one in ours["plan"] for one in theirs["plan"].split(". ")):
            return False
        return alike(_without(may, ours), _without(may, theirs))


def _changed(ours: Any, theirs: Any) -> Iterator[tuple[Any, Any]]:
    """Gives what differs between two JSON values: recommendations whole, else the smallest part."""
    if alike(ours, theirs):
        return
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        whole = "decision_id" in ours
        parts = [] if whole else [(ours[key], theirs[key]) for key in ours]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        parts = list(zip(ours, theirs, strict=True))
    else:
        parts = []
    if not parts:
        yield ours, theirs
    for pair in parts:
        yield from _changed(*pair)


def _as_told_before(answer: dict[str, Any]) -> dict[str, Any]:
    paragraphs = answer.get("text", "").split("\n\n")
    return answer | {"text": "\n\n".join(one for one in paragraphs if one not in _SAID_SINCE)}


def _without(names: set[str], answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in names}
