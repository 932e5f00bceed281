"""Where a protection stands in the source, and what the source reads without it. Pure: text in, mutants out.

The kinds are those of promise P18. A site is found by its form, not by a list: a new fsync is a new mutant.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

#: what a check answers when it is content, by the name of the function that is asked
_CONTENT = {
    "verify": '""',
    "check_mp4": '""',
    "check_receipt": "None",
    "_outputs_problem": '""',
    "_is_source": "True",
    "_is_ours": "True",
    "is_plain": "True",
    "is_still_there": "True",
}
#: what a question about rest answers when everything is at rest
_RESTED = {"_may_act": "True", "seen": "0.0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """The characters `start` to `end` of the file `path` replaced by `instead`: one protection less."""

    kind: str
    path: str
    line: int
    start: int
    end: int
    instead: str
    shown: str

    @property
    def name(self) -> str:
        return f"{self.kind} {self.path}:{self.line} {self.shown}"

    def apply(self, text: str) -> str:
        """The file without this protection."""
        return text[: self.start] + self.instead + text[self.end :]


def mutants(path: str, text: str) -> list[Mutant]:
    """Every mutant of one source file, in the order of its lines."""
    tree = ast.parse(text)
    found = [*_of_calls(path, text, tree), *_of_flags(path, text)]
    return sorted(found, key=lambda each: each.start)


def _of_calls(path: str, text: str, tree: ast.Module) -> Iterator[Mutant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            name = _called(node.value)
            if (name == "sync" and path != "statemachine/calls.py") or name == "fsync":
                yield _mutant("fsync", path, text, node, "pass")
            elif name == "lock" and "LOCK_UN" not in ast.unparse(node):
                yield _mutant("lease", path, text, node, "pass")
        if isinstance(node, ast.Call):
            yield from _of_call(path, text, node)


def _of_call(path: str, text: str, node: ast.Call) -> Iterator[Mutant]:
    name = _called(node)
    if name == "try_lock":
        yield _mutant("lease", path, text, node, "True")
    if name in _CONTENT:
        yield _mutant("verify", path, text, node, _CONTENT[name])
    if name in _RESTED and not ast.unparse(node).startswith("seen("):
        yield _mutant("settle", path, text, node, _RESTED[name])
    if name == "send" and ast.unparse(node.args[-1]) == "(fd,)":
        fresh = "(__import__('os').open(f'/proc/self/fd/{fd}', 0),)"  # the same directory, unlocked
        yield _mutant("lease", path, text, node.args[-1], fresh)
    if name == "rename_new" and path != "statemachine/files.py":
        yield _mutant("no-replace", path, text, node, _replacing(text, node))
    for word in node.keywords:
        if word.arg == "durable" and ast.unparse(word.value) == "True":
            yield _mutant("fsync", path, text, word.value, "False")
        if word.arg == "follow_symlinks" and ast.unparse(word.value) == "False":
            yield _mutant("O_NOFOLLOW", path, text, word.value, "True")


def _replacing(text: str, node: ast.Call) -> str:
    """`rename_new(fd, old, new[, new_fd])` as a rename that replaces whatever stands there."""
    given = [ast.get_source_segment(text, each) or "" for each in node.args]
    source, old, new, target = (*given, given[0])[:4]
    return f"__import__('os').rename({old}, {new}, src_dir_fd={source}, dst_dir_fd={target})"


def _of_flags(path: str, text: str) -> Iterator[Mutant]:
    kinds = {"os.O_NOFOLLOW": "O_NOFOLLOW", "os.O_EXCL": "no-replace"}
    for flag, kind in kinds.items():
        for match in re.finditer(rf"\s\|\s{re.escape(flag)}\b", text):
            yield _at(kind, path, text, match.start(), match.end(), "", flag)
    for match in re.finditer(r"(?<== )1(?=\n)", text):
        if text[: match.start()].endswith("_RENAME_NOREPLACE = "):
            yield _at("no-replace", path, text, *match.span(), "0", "RENAME_NOREPLACE")


def _called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _mutant(kind: str, path: str, text: str, node: ast.expr | ast.stmt, instead: str) -> Mutant:
    start, end = _offsets(text, node)
    shown = " ".join((text[start:end]).split())
    line = text.splitlines()[node.lineno - 1].strip()
    return _at(kind, path, text, start, end, instead, shown if len(shown) > 6 else line)


def _at(kind: str, path: str, text: str, start: int, end: int, instead: str, shown: str) -> Mutant:
    return Mutant(
        kind=kind,
        path=path,
        line=text.count("\n", 0, start) + 1,
        start=start,
        end=end,
        instead=instead,
        shown=shown[:70],
    )


def _offsets(text: str, node: ast.expr | ast.stmt) -> tuple[int, int]:
    """Character offsets; ast counts columns in bytes of UTF-8."""
    lines = text.splitlines(keepends=True)
    assert node.end_lineno is not None and node.end_col_offset is not None
    return (
        _offset(lines, node.lineno, node.col_offset),
        _offset(lines, node.end_lineno, node.end_col_offset),
    )


def _offset(lines: list[str], line: int, column: int) -> int:
    before = sum(map(len, lines[: line - 1]))
    return before + len(lines[line - 1].encode()[:column].decode())
