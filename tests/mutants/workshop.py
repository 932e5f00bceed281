"""A copy of the project in which one protection at a time is taken out, and tests are run without it.

The copy has a virtual environment of its own: hooks and supervisors are started isolated (`-I`), so they
find the mutated sources by its `.pth` file, and everything else where this interpreter finds it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.mutants.sites import Mutant, mutants

REPOSITORY = Path(__file__).resolve().parents[2]
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", ".hypothesis")
_SCRIPT = "#!{python}\nimport sys\nfrom ezrec.cli import main\nsys.exit(main())\n"


def all_mutants() -> list[Mutant]:
    """Of every source file, in the order of their paths."""
    return [
        mutant
        for path in sources()
        for mutant in mutants(path, (REPOSITORY / path).read_text("utf-8"))
    ]


def sources() -> list[str]:
    """Every module of ezrec, by its place in the repository; links to the packages left out."""
    found = [
        path.relative_to(REPOSITORY)
        for package in ("statemachine", "ezrec", "hooks")
        for path in (REPOSITORY / package).rglob("*.py")
    ]
    linked = ("ezrec/statemachine/", "ezrec/hooks/")
    return sorted(str(path) for path in found if not str(path).startswith(linked))


class Workshop:
    """The copy below `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        shutil.copytree(REPOSITORY, home, symlinks=True, ignore=_LEFT_OUT)
        environment = home / ".venv"
        venv.create(environment, symlinks=True)
        variables = {"base": str(environment), "platbase": str(environment)}
        pth = Path(sysconfig.get_path("purelib", vars=variables)) / "ezrec.pth"
        pth.write_text(f"{home}\n{sysconfig.get_path('purelib')}\n")
        self.python = environment / "bin" / "python"
        script = environment / "bin" / "ezrec"
        script.write_text(_SCRIPT.format(python=self.python))
        script.chmod(0o755)

    @contextmanager
    def without(self, mutant: Mutant) -> Iterator[None]:
        """The copy with one protection less, for the length of a with block."""
        path = self.home / mutant.path
        whole = path.read_text("utf-8")
        path.write_text(mutant.apply(whole), "utf-8")
        try:
            yield
        finally:
            path.write_text(whole, "utf-8")

    def run(self, tests: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
        """pytest over `tests` in the copy, until the first failure. Out of time counts as failed."""
        command = [str(self.python), "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
        kept["PYTHONDONTWRITEBYTECODE"] = "1"  # sources that change within a second
        try:
            return subprocess.run(
                command, cwd=self.home, env=kept, capture_output=True, text=True, timeout=seconds
            )
        except subprocess.TimeoutExpired as error:
            said = error.stdout.decode() if isinstance(error.stdout, bytes) else ""
            return subprocess.CompletedProcess(command, 1, said, "out of time")
