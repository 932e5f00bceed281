"""Mutants are found by the form of what protects, and each is a program that can be run."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.mutants.sites import mutants
from tests.mutants.workshop import REPOSITORY, all_mutants

_SOURCE = '''
def commit(fd, new):
    """é"""
    flags = os.O_RDONLY | os.O_NOFOLLOW
    files.sync(fd)
    journal.append("ended", durable=True)
    if not files.try_lock(fd):
        return verify(fd)
    files.rename_new(fd, "old", new)
    os.open(new, os.O_CREAT | os.O_EXCL)
    os.stat(new, follow_symlinks=False)
    return settling.seen(fd)
'''


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("fsync", "    files.sync(fd)\n", "    pass\n"),
        ("fsync", "durable=True", "durable=False"),
        ("lease", "files.try_lock(fd)", "True"),
        ("verify", "verify(fd)", '""'),
        ("settle", "settling.seen(fd)", "0.0"),
        ("no-replace", " | os.O_EXCL", ""),
        ("no-replace", "files.rename_new(fd, ", "__import__('os').rename("),
        ("O_NOFOLLOW", " | os.O_NOFOLLOW", ""),
        ("O_NOFOLLOW", "follow_symlinks=False", "follow_symlinks=True"),
    ],
)
def test_each_form_is_found(kind: str, before: str, after: str) -> None:
    """Its mutant has the other text in this one place, and is a whole program."""
    made = [each.apply(_SOURCE) for each in mutants("x.py", _SOURCE) if each.kind == kind]
    wanted = [text for text in made if before not in text and after in text]
    assert len(wanted) == 1
    compile(wanted[0], "x.py", "exec")


def test_every_mutant_of_the_sources_is_a_program() -> None:
    """None is refused by the compiler, which would count as caught by any test."""
    found = all_mutants()
    for mutant in found:
        text = (REPOSITORY / mutant.path).read_text("utf-8")
        compile(mutant.apply(text), mutant.path, "exec")
    kinds = Counter(mutant.kind for mutant in found)
    assert set(kinds) == {"fsync", "no-replace", "lease", "verify", "settle", "O_NOFOLLOW"}
