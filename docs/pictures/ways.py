"""The two ways of the data as a picture, wide and narrow: `python -m docs.pictures.ways`."""

import argparse
from pathlib import Path

from docs.pictures.svg import BLUE, GREEN, INK, QUIET, Picture

ONLINE = "Online: one case, a few milliseconds"
ANSWER = (
    ("A case", "bounded numbers and choices; not who it is"),
    ("Decide", "what each mix is worth, what safeguards permit, what a minute costs"),
    ("Journal", "durable before anyone is answered"),
    ("Advice", "a mix, how often, why; or a person first"),
    ("Adviser and user", "decide; choice and outcome come back"),
)
OFFLINE = "Offline: many cases, the next model"
LEARNING = (
    ("Logged cases", "from the journal, or your own files"),
    ("Learn", "on the earlier cases, distilled to tables"),
    ("Evaluate", "the tables, on later cases"),
    ("Gate", "yes or no, line by line"),
    ("Promote", "a person does; running servers take it"),
)
TITLE = "The two ways of the data"
WORDS = (
    "Online: "
    + " → ".join(name for name, _ in ANSWER)
    + ". Offline: "
    + " → ".join(name for name, _ in LEARNING)
    + ", and back to Decide."
)


def wide() -> str:
    """Returns the picture for a screen: two rows, the second read from right to left."""
    picture = Picture(width=900, title=TITLE, words=WORDS)
    width, height, gap = 154, 112, 22
    left = [20 + step * (width + gap) for step in range(5)]
    above, below = 44, 236
    picture.text(20, 28, ONLINE, bold=True, colour=BLUE)
    picture.text(20, 374, OFFLINE, bold=True, colour=GREEN)

    for x, (name, words) in zip(left, ANSWER, strict=True):
        _step(picture, x, above, width, height, name, words, BLUE)
    for x, (name, words) in zip(reversed(left), LEARNING, strict=True):
        _step(picture, x, below, width, height, name, words, GREEN)

    for x in left[:-1]:
        picture.arrow((x + width + 2, above + 56), (x + width + gap - 2, above + 56))
        picture.arrow((x + width + gap - 2, below + 56), (x + width + 2, below + 56))
    down = left[4] + width / 2
    picture.arrow((down, above + height + 2), (down, below - 2))
    picture.text(down - 8, 200, "the journal's records", size=12, colour=QUIET, anchor="end")
    up = left[0] + width / 2
    decide = left[1] + width / 2
    picture.arrow((up, below - 2), (up, 192), (decide, 192), (decide, above + height + 2))
    picture.text(decide + 8, 200, "the tables that are served", size=12, colour=QUIET)
    return picture.svg(390)


def narrow() -> str:
    """Returns the picture for a phone: one step below the other."""
    picture = Picture(width=380, title=TITLE, words=WORDS)
    y = 28.0
    for heading, steps, colour in ((ONLINE, ANSWER, BLUE), (OFFLINE, LEARNING, GREEN)):
        y = picture.paragraph(16, y, heading, width=350, size=14, bold=True, colour=colour)
        for name, words in steps:
            _step(picture, 16, y, 348, 66, name, words, colour)
            picture.arrow((190, y + 68), (190, y + 84))
            y += 86
        ending = "its records, in time" if heading == ONLINE else "and back to Decide"
        picture.text(206, y + 4, ending, size=13, colour=QUIET)
        y += 34
    return picture.svg(y - 12)


def _step(
    picture: Picture,
    x: float,
    y: float,
    width: float,
    height: float,
    name: str,
    words: str,
    colour: str,
) -> None:
    picture.box(x, y, width, height, edge=colour)
    picture.text(x + 10, y + 22, name, size=14, bold=True, colour=INK)
    picture.paragraph(x + 10, y + 42, words, width=width - 16, size=12, colour=QUIET)


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m docs.pictures.ways", description=__doc__).parse_args()
    folder = Path(__file__).parent
    (folder / "ways.svg").write_text(wide(), encoding="utf-8")
    (folder / "ways-narrow.svg").write_text(narrow(), encoding="utf-8")
