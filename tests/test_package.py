"""What lands on a disk when ezrec is installed, and what a broken copy says."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this very tree."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, timeout=60)
    return next(target.glob("*.whl"))


def test_nothing_but_ezrec_lands_in_site_packages(wheel: Path) -> None:
    """A top-level `statemachine` would silently overwrite another package of PyPI's."""
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"ezrec"}


def test_the_wheel_is_whole(wheel: Path) -> None:
    """The state machine and the hooks are in it as files, not as links."""
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("statemachine", "hooks"):
        for path in (PROJECT / folder).glob("*.py"):
            assert f"ezrec/{folder}/{path.name}" in names
    assert "ezrec/py.typed" in names


def test_the_unpacked_wheel_runs(wheel: Path, tmp_path: Path) -> None:
    """The command line works from it, with the hooks that it brings along."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    script = (
        "import sys; sys.path.insert(0, sys.argv.pop(1));"
        "from ezrec.cli import main; sys.argv[0] = 'ezrec'; main()"
    )
    root = tmp_path / "root"
    for arguments in (["init", str(root)], ["--root", str(root), "hooks", "--check"]):
        command = [sys.executable, "-I", "-c", script, str(tmp_path / "site"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
    assert str(tmp_path / "site" / "ezrec" / "hooks" / "merge.py") in done.stdout


def test_a_copy_without_its_links_says_so(tmp_path: Path) -> None:
    """An archive made without symbolic links fails with a clear word, not with a riddle."""
    broken = tmp_path / "ezrec"
    broken.mkdir()
    (broken / "__init__.py").write_bytes((PROJECT / "ezrec" / "__init__.py").read_bytes())
    (broken / "statemachine").write_text("../statemachine")
    command = [sys.executable, "-c", "import ezrec"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "lost its symbolic links" in done.stderr
