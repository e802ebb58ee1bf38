"""Pages of ours in a real browser: printed, painted, and measured at any width."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.conftest import tool

_ENDS_WITHIN = 120  # seconds
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1280,900",
]
# A window can not be narrower than some 500 pixels; a frame can.
_FRAMES = """<!DOCTYPE html><body style="margin:0">
{frames}
<pre id="measured"></pre><script>
const pages = {pages}, all = pages.map(() => null);
const frames = document.querySelectorAll("iframe");
frames.forEach((frame, number) => frame.onload = () => {{
  const inside = frame.contentDocument, view = frame.contentWindow;
  const found = {{headings: [], drawings: 0, overlaps: [], cut: [], small: [], out: []}};
  found.tables = [];
  found.wide = inside.body.scrollWidth - view.innerWidth;
  for (const heading of inside.querySelectorAll("main h2")) found.headings.push(heading.id);
  for (const figure of inside.querySelectorAll(".figure")) {{
    const text = inside.createRange();
    text.selectNodeContents(figure);
    if (text.getBoundingClientRect().right > figure.getBoundingClientRect().right + 1)
      found.out.push(figure.textContent);
  }}
  for (const svg of inside.querySelectorAll("figure svg")) {{
    const edge = svg.getBoundingClientRect();
    if (!edge.width) continue;
    found.drawings += 1;
    const title = svg.querySelector("title").textContent;
    const texts = [...svg.querySelectorAll("text")].filter(one => one.textContent.trim());
    const boxes = texts.map(one => [one.textContent.trim(), one.getBoundingClientRect()]);
    boxes.forEach(([words, box], place) => {{
      if (box.left < edge.left - 2 || box.right > edge.right + 2
          || box.top < edge.top - 2 || box.bottom > edge.bottom + 2)
        found.cut.push([title, words]);
      if (box.height && Math.min(box.height, box.width) < 10 && words.length > 2)
        found.small.push([title, words, box.height]);
      for (const [other, near] of boxes.slice(place + 1))
        if (Math.min(box.right, near.right) - Math.max(box.left, near.left) > 1
            && Math.min(box.bottom, near.bottom) - Math.max(box.top, near.top) > 3)
          found.overlaps.push([title, words, other]);
    }});
  }}
  // Last, and with every fold open: what is not shown has no width. A box that scrolls aside keeps
  // the page narrow, so a table's parts are held against the page, and each box against itself.
  for (const fold of inside.querySelectorAll("details")) fold.open = true;
  const page = inside.querySelector("main").getBoundingClientRect();
  for (const table of inside.querySelectorAll("table")) {{
    const name = (table.caption || table.querySelector("th, td")).textContent.trim();
    for (const part of [table, ...table.querySelectorAll("caption, th, td")]) {{
      const text = inside.createRange();
      text.selectNodeContents(part);
      const box = part.getBoundingClientRect();
      // Left of the window stand heads that are there for screen readers alone.
      if (!box.width || box.right <= 0) continue;
      if (Math.max(box.right, text.getBoundingClientRect().right) > page.right + 1)
        found.tables.push([name, part.textContent.trim()]);
    }}
    for (let box = table; box !== inside.body; box = box.parentElement)
      if (box.scrollWidth > box.clientWidth + 1) found.tables.push([name, "scrolls aside"]);
  }}
  all[number] = found;
  document.getElementById("measured").textContent = JSON.stringify(all);
}});
frames.forEach((frame, number) => frame.srcdoc = pages[number]);
</script></body>"""
_FRAME = '<iframe style="border:0;width:{width}px;height:900px"></iframe>'


def browse(folder: Path, page: Path, *flags: str) -> str:
    """Opens a page, with a profile in that folder, and gives what the browser prints."""
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [tool("chromium"), *_FLAGS, profile, *flags, page.as_uri()]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=_ENDS_WITHIN
    ).stdout


def measured(folder: Path, *views: tuple[Path, int]) -> list[dict[str, Any]]:
    """Tells what a script around pages measures; the pages themselves allow no script.

    All of them in one browser: to start it takes longer than to look at a page.

    Args:
        folder: for the script, and for the browser's profile.
        views: pages, and how many pixels wide each is shown.
    """
    texts = [
        re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text("utf-8"))
        for page, _ in views
    ]
    around = folder / "around.html"
    frames = "\n".join(_FRAME.format(width=width) for _, width in views)
    pages = json.dumps(texts).replace("</", "<\\/")
    around.write_text(_FRAMES.format(frames=frames, pages=pages), encoding="utf-8")
    told = re.search(
        r'<pre id="measured">(.*?)</pre>', browse(folder, around, "--dump-dom"), re.DOTALL
    )
    assert told is not None
    text = told.group(1).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    found: list[dict[str, Any]] = json.loads(text)
    # One that was not loaded would have been looked at by nobody.
    assert None not in found
    return found
