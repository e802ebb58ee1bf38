"""When there is a callers' file, and when there is none: by mistake nothing opens."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from router.files.acts import Acts
from router.policies.toml_file import PolicyError
from router.serving.callers.access import Access
from router.serving.metrics import Metrics

FILE = """version = "1"
[roles]
all = ["router.v1.ChannelRouter/Recommend"]
[[callers]]
name = "one"
roles = ["all"]
offices = ["*"]
tokens = ["one"]
"""


def opened(path: Path, registry: CollectorRegistry | None = None) -> Access:
    metrics = Metrics(registry or CollectorRegistry())
    return Access(path, must_exist=False, tokens=None, metrics=metrics, acts=Acts(None))


def broken(path: Path, kind: str) -> None:
    """Puts something in a file's place that cannot be read."""
    path.unlink(missing_ok=True)
    path.symlink_to({"nowhere": "not-there.toml", "circle": path.name}[kind])


def test_without_anything_of_its_name_there_is_no_file(tmp_path: Path) -> None:
    assert not opened(tmp_path / "callers.toml").version
    assert not opened(tmp_path / "no-folder" / "callers.toml").version


@pytest.mark.parametrize("kind", ["nowhere", "circle"])
def test_a_link_that_cannot_be_followed_is_no_missing_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "callers.toml"
    broken(path, kind)
    with pytest.raises(PolicyError, match=r"callers\.toml"):
        opened(path)


@pytest.mark.parametrize("kind", ["nowhere", "circle"])
def test_such_a_link_is_refused_at_a_reload_and_the_file_before_stands(
    tmp_path: Path, kind: str
) -> None:
    path, registry = tmp_path / "callers.toml", CollectorRegistry()
    path.write_text(FILE)
    access = opened(path, registry)
    before = access.version
    assert before.startswith("1+")
    broken(path, kind)
    access.refresh()
    assert access.version == before
    assert registry.get_sample_value("router_callers_file_refused") == 1


def test_such_a_link_is_refused_also_where_there_was_no_file(tmp_path: Path) -> None:
    path, registry = tmp_path / "callers.toml", CollectorRegistry()
    access = opened(path, registry)
    broken(path, "nowhere")
    access.refresh()
    assert registry.get_sample_value("router_callers_file_refused") == 1
    # Mended, it is taken.
    (tmp_path / "not-there.toml").write_text(FILE)
    access.refresh()
    assert access.version.startswith("1+")
    assert registry.get_sample_value("router_callers_file_refused") == 0
