"""The docs name what the code has: rules, metrics, settings, commands with their options, files."""

import json
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from prometheus_client import CollectorRegistry

from docs import performance
from docs.pictures import ways
from docs.safeguards import page
from router.__main__ import main as router
from router.ledger.export import write_prometheus
from router.serving.feedback.metrics import FeedbackMetrics
from router.serving.metrics import Metrics
from tests.builders import ROOT
from training.__main__ import main as training

PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob(".github/**/*.md"),
    *ROOT.glob(".github/**/*.yml"),
]
FOLDERS = "router|training|tests|bench|docs|proto|policies|deploy|examples"
GROUPS = {"router": router, "training": training}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def in_code(page: Path) -> str:
    """Gives what a page says in code: its fenced lines, and its spans one a line."""
    words = page.read_text(encoding="utf-8")
    fenced = re.findall(r"```.*?\n(.*?)```", words, re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", words, flags=re.DOTALL))
    return "\n".join([*fenced, *spans])


def commands(command: click.Command, *words: str) -> Iterator[tuple[str, click.Command]]:
    """Gives every command that does something, by what one types."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, *words, name)
    else:
        yield " ".join(words), command


COMMANDS = {
    name: command
    for module, group in GROUPS.items()
    for name, command in commands(group, f"python -m {module}")
}


def test_the_page_of_safeguards_is_as_the_rules_are() -> None:
    # `python -m docs.safeguards` writes it.
    assert text("docs/safeguards.md") == page()


def test_the_page_of_speed_says_what_was_measured() -> None:
    # `python -m docs.performance` writes it.
    record = json.loads(text("docs/performance.json"))
    assert text("docs/performance.md") == performance.page(record)


@pytest.mark.parametrize(
    ("metrics", "page"),
    [(Metrics, "docs/operations.md"), (FeedbackMetrics, "docs/feedback.md")],
)
def test_every_metric_is_in_the_docs(
    metrics: Callable[[CollectorRegistry], object], page: str
) -> None:
    registry = CollectorRegistry()
    metrics(registry)
    documented = text(page)
    for family in registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert documented.count(f"| {name} |") == 1


def test_every_metric_of_the_ledger_is_in_the_docs(tmp_path: Path) -> None:
    written = tmp_path / "ledger.prom"
    write_prometheus(written, {})
    names = re.findall(r"^# TYPE (\w+)", written.read_text(encoding="utf-8"), re.MULTILINE)
    documented = text("docs/ledger.md")
    assert names
    for name in names:
        assert documented.count(f"| {name} |") == 1


def test_the_settings_in_the_docs_are_those_of_the_commands() -> None:
    sources = (ROOT / "router" / "commands").glob("*.py")
    settings = {
        name for path in sources for name in re.findall(r"ROUTER_[A-Z_]+", path.read_text())
    }
    documented = set(re.findall(r"`(ROUTER_[A-Z_]+)`", text("docs/commands.md")))
    assert documented == settings


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_in_the_list_of_commands(name: str) -> None:
    assert re.search(rf"^\| `{name}\b", text("docs/commands.md"), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists_with_its_options(page: Path) -> None:
    lines = in_code(page).replace("\\\n", " ").splitlines()
    for line in lines:
        for module, rest in re.findall(r"python -m (router|training) ([^#;]+)", line):
            called = f"python -m {module} {rest}"
            name = next((name for name in COMMANDS if re.match(rf"{name}\b", called)), None)
            group = re.fullmatch(r"\w+\W*", rest) and rest.strip() in GROUPS[module].list_commands(
                click.Context(GROUPS[module])
            )
            assert name or group, line
            options = re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest)
            if name:
                assert set(options) <= options_of(COMMANDS[name]), line


def options_of(command: click.Command) -> set[str]:
    options = {"--help"}
    for parameter in command.params:
        options |= {*parameter.opts, *parameter.secondary_opts}
    return options


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_and_module_that_a_page_names_exists(page: Path) -> None:
    code = in_code(page)
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z-]+)", code, re.MULTILINE)) <= targets
    for module in re.findall(r"python -m ((?:bench|docs)[a-z_.]*)", code):
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_links_to_or_names_exists(page: Path) -> None:
    words = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", words)
    links += re.findall(r'(?:src|srcset)="([^"]+)"', words)
    for link in links:
        assert (page.parent / link).exists(), link

    for named in re.findall(rf"(?<![\w./-])(?:{FOLDERS})/[\w./*-]*", in_code(page)):
        name = named.rstrip("./")
        if re.search(r"[A-Z]{3}", name.replace("README", "").replace("CARD", "")):
            continue  # a placeholder such as OFFICE.toml
        assert any(ROOT.glob(name)), named


def test_every_page_that_a_source_file_names_exists() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "*.py", "*.proto", "*.toml", "*.yml", "*.j2", "*.ipynb"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in tracked.stdout.split():
        if (ROOT / name).exists():
            for page in re.findall(r"\bdocs/[\w/-]+\.md\b", text(name)):
                assert (ROOT / page).exists(), f"{name}: {page}"


@pytest.mark.parametrize(("place", "name"), [(0, "Layers"), (1, "Layers of training")])
def test_the_layers_on_the_page_are_those_that_are_checked(place: int, name: str) -> None:
    contracts = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["name"] == name)
    page = re.findall(r"```\n(.*?)```", text("docs/architecture.md"), re.DOTALL)[place]
    drawn = [set(line.split(" · ")) for line in page.splitlines()]
    rooms = [set(re.sub(r"(router|training)\.", "", layer).split(" | ")) for layer in layers]
    assert drawn == rooms


def test_every_room_is_on_the_page_of_the_architecture() -> None:
    page = text("docs/architecture.md")
    for name in ("router", "training"):
        for folder in (ROOT / name).iterdir():
            if any(folder.glob("*.py")):
                assert f"| `{name}/{folder.name}/` |" in page


def test_every_target_for_people_says_what_it_does() -> None:
    makefile = text("Makefile")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    said = re.findall(r"^([a-z-]+):.*## [A-Z]", makefile, re.MULTILINE)
    assert sorted(phony.split()) == sorted(said)


def test_the_picture_of_the_two_ways_is_the_one_that_its_words_draw() -> None:
    assert text("docs/pictures/ways.svg") == ways.wide()
    assert text("docs/pictures/ways-narrow.svg") == ways.narrow()


def test_what_the_image_copies_exists_and_is_let_through() -> None:
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", text("Dockerfile"), re.MULTILINE)
    let_through = re.findall(r"^!(\S+)$", text(".dockerignore"), re.MULTILINE)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists()
        assert name in let_through
