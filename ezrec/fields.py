"""Reading typed values out of a JSON object that somebody else wrote. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from ezrec.errors import ConfigError


class Fields:
    """A JSON object and the words to name it by. A missing key or null gives the default.

    Everything raises ConfigError with one sentence that names the key where the type is wrong.
    """

    def __init__(self, where: str, values: Mapping[str, object]) -> None:
        self.where = where
        self.values = values

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or "\0" in value:
            raise self._wrong(key, "text", value)
        return value

    def required_text(self, key: str) -> str:
        if not (value := self.text(key)):
            raise ConfigError(f"{self.where} has no {key!r}")
        return value

    def absolute(self, key: str) -> Path:
        path = Path(self.required_text(key))
        if not path.is_absolute():
            raise self._wrong(key, "an absolute path", str(path))
        return path

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._list(key)
        if not all(isinstance(value, str) for value in values):
            raise self._wrong(key, "a list of texts", values)
        return tuple(str(value) for value in values)

    def flag(self, key: str) -> bool:
        value = self.values.get(key)
        if not isinstance(value, bool | None):
            raise self._wrong(key, "true or false", value)
        return bool(value)

    def whole(self, key: str, default: int, least: int = 0) -> int:
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self._wrong(key, f"a whole number, {least} or more", value)
        return value

    def wholes(self, key: str, default: tuple[int, int], least: int) -> tuple[int, int]:
        """Two whole numbers, as in a width and a height."""
        if self.values.get(key) is None:
            return default
        pair = self._pair(key, "two whole numbers")
        return pair.whole("0", 0, least), pair.whole("1", 0, least)

    def number(self, key: str, default: float, least: float = 0) -> float:
        """A finite number, not below `least`."""
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._wrong(key, "a number", value)
        if not math.isfinite(value) or value < least:
            raise self._wrong(key, f"a finite number, {least:g} or more", value)
        return float(value)

    def numbers(self, key: str, default: tuple[float, float], least: float) -> tuple[float, float]:
        """Two finite numbers, not below `least`."""
        if self.values.get(key) is None:
            return default
        pair = self._pair(key, "two numbers")
        return pair.number("0", 0, least), pair.number("1", 0, least)

    def _pair(self, key: str, wanted: str) -> Fields:
        pair = Fields(f"{self.where}.{key}", dict(zip("01", self._list(key), strict=False)))
        if len(self._list(key)) != 2:
            raise self._wrong(key, wanted, self.values[key])
        return pair

    def choice(self, key: str, allowed: Sequence[str], default: str) -> str:
        value = self.text(key) or default
        if value not in allowed:
            raise self._wrong(key, f"one of {', '.join(allowed)}", value)
        return value

    def mapping(self, key: str) -> Mapping[str, object]:
        value = self.values.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._wrong(key, "an object", value)
        return value

    def fields(self, key: str) -> Fields:
        return Fields(f"{self.where}.{key}", self.mapping(key))

    def list_of_fields(self, key: str) -> list[Fields]:
        values = self._list(key)
        found = [
            Fields(f"{self.where}.{key}", value) for value in values if isinstance(value, dict)
        ]
        if len(found) != len(values):
            raise self._wrong(key, "a list of objects", values)
        return found

    def _list(self, key: str) -> list[object]:
        value = self.values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong(key, "a list", value)
        return value

    def _wrong(self, key: str, wanted: str, value: object) -> ConfigError:
        return ConfigError(f"{self.where}: {key!r} must be {wanted}, not {str(value)[:80]!r}")
