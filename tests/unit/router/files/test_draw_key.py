"""The secret by which cases are drawn: read from a file, or made once."""

import stat
from pathlib import Path

import pytest

from router.files.draw_key import DrawKeyRefused, kept_draw_key, read_draw_key


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db.draw-key"
    key, new = kept_draw_key(path)
    assert (len(key), new) == (64, True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kept_draw_key(path) == (key, False)
    assert read_draw_key(path) == key


def test_a_key_may_be_a_link_as_platforms_mount_secrets(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("0123456789abcdef\n")
    (tmp_path / "key").symlink_to("data")
    assert read_draw_key(tmp_path / "key") == b"0123456789abcdef"


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"short\n", "5 bytes, at least 16 are needed"), (b"x" * 5_000, "is larger than 4096 bytes")],
)
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(DrawKeyRefused, match=problem):
        read_draw_key(tmp_path / "key")


def test_a_missing_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DrawKeyRefused, match=r"--draw-key: .*key: key cannot be read"):
        read_draw_key(tmp_path / "key")
    with pytest.raises(DrawKeyRefused, match="cannot be made: No such file"):
        kept_draw_key(tmp_path / "nowhere" / "key")
