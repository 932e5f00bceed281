"""Text to paths and URLs. Pure; each parser raises ValueError with one clear sentence."""

from __future__ import annotations

import re
from pathlib import Path

from ezrec.config.problem import quoted


def path(text: str, base: Path) -> Path:
    """An absolute path; a relative one counts from `base`. `~` is not expanded."""
    if not text.strip() or not text.isprintable():
        raise ValueError(f"{quoted(text)} is no path")
    if text.startswith("~"):
        raise ValueError(f"{quoted(text)}: ~ means nothing here, write the whole path")
    return base / text


def destination(text: str, base: Path) -> str:
    """Empty, or a `file:///absolute/directory` URL, percent-encoded; a path becomes one."""
    if not text:
        return ""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", text)
    if not scheme:
        return path(text, base).as_uri()
    if scheme[1].lower() != "file":  # the rest is not repeated: it may hold a password
        raise ValueError(
            f"{quoted(scheme[1].lower())} destinations come in a later version:"
            " a directory, like file:///srv/archive, is what works now"
        )
    rest = text[len("file:") :]
    if not rest.startswith("///") or "?" in rest or "#" in rest:
        # not repeated: it may hold a password
        raise ValueError("that is no file URL: write it like file:///srv/archive")
    from urllib.parse import unquote

    return path(unquote(rest[2:]), base).as_uri()


def directory(url: str) -> Path:
    """The directory that a `file://` URL names; `upload.to` as a path."""
    from urllib.parse import unquote, urlsplit

    return Path(unquote(urlsplit(url).path))
