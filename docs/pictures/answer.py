"""A real answer as a picture, wide and narrow: `python -m docs.pictures.answer`.

Asks a server of its own, with the committed model and policies.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from docs.pictures.svg import BLUE, GREEN, INK, LINE, ORANGE, QUIET, Picture
from router.commands.demo import sample_caseload
from router.commands.nearby import open_channel
from router.v1 import case_pb2, channel_router_pb2, channel_router_pb2_grpc, recommendation_pb2

CASE = "young, digital is hard"
WEEKS = 12
# Of the reasons, so many: a reader of the README has three minutes for all of it.
REASONS = 2
# The longest name of a channel must end before the line of its contacts.
NAMES = 152
CHANNELS = {
    recommendation_pb2.CHANNEL_SELF_SERVICE: ("activity plan", BLUE),
    recommendation_pb2.CHANNEL_DIALOGUE_MESSAGE: ("dialogue message", BLUE),
    recommendation_pb2.CHANNEL_PHONE: ("phone call", ORANGE),
    recommendation_pb2.CHANNEL_VIDEO: ("video call", ORANGE),
    recommendation_pb2.CHANNEL_OFFICE_MEETING: ("meeting at the office", ORANGE),
    recommendation_pb2.CHANNEL_GROUP_MEETING: ("meeting in a group", ORANGE),
}


def answered() -> recommendation_pb2.Recommendation:
    """Asks a server of its own, with the committed model, about one case of the demo.

    Raises:
        RuntimeError: if the server does not start.
    """
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]
        journal = ["--journal", f"sqlite:///{folder}/journal.db"]
        command = [sys.executable, "-m", "router", "serve", *flags, *journal]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as server:
            try:
                return _asked(_address(server), dict(sample_caseload())[CASE])
            finally:
                server.terminate()


def _address(server: subprocess.Popen[bytes]) -> str:
    said = b""
    for line in server.stderr or ():
        said += line
        entry = json.loads(line) if line.startswith(b"{") else {}
        if entry.get("message") == "serving":
            return str(entry["listen"])
    raise RuntimeError(f"the server did not start:\n{said.decode()}")


def _asked(listen: str, case: case_pb2.Case) -> recommendation_pb2.Recommendation:
    request = channel_router_pb2.RecommendRequest(
        case=case,
        view=channel_router_pb2.VIEW_FULL,
        language=recommendation_pb2.LANGUAGE_EN,
    )
    with open_channel(listen) as channel:
        router = channel_router_pb2_grpc.ChannelRouterStub(channel)
        return router.Recommend(request, timeout=10, wait_for_ready=True).recommendation


def drawn(advice: recommendation_pb2.Recommendation, *, narrow: bool) -> str:
    """Returns the answer as a picture: the mix week by week, every option, and why."""
    width: float = 380 if narrow else 900
    status = recommendation_pb2.Status.Name(advice.status).removeprefix("STATUS_")
    title = f"{status}: {advice.mix.name}, {advice.mix.adviser_minutes} adviser minutes"
    words = " ".join(reason.text for reason in advice.reasons)
    picture = Picture(width=width, title=title, words=words)

    inner = width - 40
    half = inner if narrow else (inner - 40) / 2
    y = picture.paragraph(
        20, 26, f"Asked: {CASE} (a made-up case)", width=inner, size=12, colour=QUIET
    )
    y = picture.paragraph(20, y + 8, title, width=inner * 1.05, size=15, bold=True)
    top = y + 14

    left: float = _weeks(picture, advice.mix, 20, top, half)
    if narrow:
        bottom: float = _options(picture, advice, 20, left + 20, half)
    else:
        bottom = max(left, _options(picture, advice, 20 + half + 40, top, half))
    bottom = _why(picture, advice, 20, bottom + 20, inner)
    return picture.svg(bottom)


def _weeks(
    picture: Picture, mix: recommendation_pb2.Mix, x: float, y: float, width: float
) -> float:
    """Draws each contact in its week, and returns where it ends."""
    picture.text(x, y, f"What, and when, over {WEEKS} weeks", size=13, bold=True)
    start, step = x + NAMES, (width - NAMES) / WEEKS
    for week in (1, 4, 8, 12):
        at = start + step * (week - 0.5)
        picture.text(at, y + 22, str(week), size=11, colour=QUIET, anchor="middle")
    y += 46

    for element in mix.elements:
        name, colour = CHANNELS[element.channel]
        each = f"{element.minutes} minutes each" if element.minutes else "on your own"
        # The same channel, but it is the adviser who goes through the plan.
        if element.channel == recommendation_pb2.CHANNEL_SELF_SERVICE and element.minutes:
            name, colour = "plan review", ORANGE
        picture.text(x, y, name, size=12)
        picture.text(x, y + 15, each, size=11, colour=QUIET)
        picture.line((start, y), (start + step * WEEKS, y))
        for contact in range(element.contacts):
            weeks = element.first_week - 1 + contact * element.every_n_days / 7
            picture.dot(start + step * (weeks + 0.5), y, 5, colour)
        y += 42
    return y - 12


def _options(
    picture: Picture,
    advice: recommendation_pb2.Recommendation,
    x: float,
    y: float,
    width: float,
) -> float:
    """Draws the expected outcome of every mix, and returns where it ends."""
    picture.text(x, y, "Every mix: expected outcome, minutes", size=13, bold=True)
    y += 26
    start, room = x + 160, width - 160 - 92
    for option in advice.options:
        chosen = option.mix_id == advice.mix.id
        colour = GREEN if chosen else QUIET if option.permitted else LINE
        ink = INK if option.permitted else QUIET
        picture.text(x, y, option.mix_id, size=11, bold=chosen, colour=ink)
        if not option.unscored:
            picture.bar(start, y - 9, room * option.expected_outcome, 10, colour)
        figures = (
            (x + width - 52, "not known" if option.unscored else f"{option.expected_outcome:.2f}"),
            (x + width, f"{option.adviser_minutes:.0f}"),
        )
        for end, figure in figures:
            picture.text(end, y, figure, size=11, bold=chosen, colour=ink, anchor="end")
        if option.forbidden_by:
            by = f"not permitted: {option.forbidden_by}"
            picture.text(x, y + 14, by, size=10, colour=QUIET)
        y += 31
    return y - 8


def _why(
    picture: Picture,
    advice: recommendation_pb2.Recommendation,
    x: float,
    y: float,
    width: float,
) -> float:
    """Writes the first reasons, and what would change the advice; returns where it ends."""
    heading = "Why, and what would change it" if advice.changes else "Why"
    picture.text(x, y, heading, size=13, bold=True)
    y += 22
    statements = [reason.text for reason in advice.reasons[:REASONS]]
    statements += [change.text for change in advice.changes[:1]]
    for statement in statements:
        picture.dot(x + 4, y - 4, 2.5, QUIET)
        y = picture.paragraph(x + 16, y, statement, width=width - 16, size=12) + 3
    source = f"Model {advice.model_version}"
    if advice.synthetic_model:
        source += ", trained on simulated cases."
    return picture.paragraph(x, y + 6, source, width=width, size=12, colour=ORANGE) + 4


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m docs.pictures.answer", description=__doc__).parse_args()
    folder = Path(__file__).parent
    advice = answered()
    (folder / "answer.svg").write_text(drawn(advice, narrow=False), encoding="utf-8")
    (folder / "answer-narrow.svg").write_text(drawn(advice, narrow=True), encoding="utf-8")
