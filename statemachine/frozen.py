"""Frozen dataclasses that cost a twentieth of the time to declare: their methods are shared, not compiled.

`dataclasses` writes and compiles six methods for each class, most of a millisecond. A command like
`ezrec status` declares fifty classes before it does anything, and so does each hook. `dataclass` here is
the same to a type checker, to `replace`, `asdict`, `fields` and `match`, and to whoever makes or compares
an instance. What it does not know: `ClassVar`, `InitVar`, `init=False`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen=False, slots=False, kw_only=False):
        """As `dataclasses.dataclass`; what is not frozen, or has no slots, is made by that one."""
        if frozen and slots:
            return lambda kind: _declare(kind, kw_only)
        return dataclasses.dataclass(frozen=frozen, slots=slots, kw_only=kw_only)


def _declare(kind: Any, kw_only: bool) -> Any:
    declared = _Declared(kind, kw_only)
    inside = {name: value for name, value in vars(kind).items() if name not in declared.left_out}
    inside |= _METHODS | {"__slots__": declared.own, "__match_args__": declared.placed}
    made = type(kind)(kind.__name__, kind.__bases__, {**inside, "_declared_": declared})
    made.__qualname__ = kind.__qualname__
    return made


class _Declared:
    """The fields of one class: `placed` may be given by position; `values` are what stands behind `=`."""

    __slots__ = (
        *("annotations", "defaults", "factories", "finish", "known", "kw_only"),
        *("left_out", "names", "own", "placed", "values"),
    )

    def __init__(self, kind: Any, kw_only: bool) -> None:
        above = next((vars(each)["_declared_"] for each in kind.__mro__[1:-1]), None)
        own = vars(kind).get("__annotations__", {})
        given = {name: vars(kind)[name] for name in own if name in vars(kind)}
        self.kw_only = kw_only
        self.annotations = {**above.annotations, **own} if above else own
        self.values = {**above.values, **given} if above else given
        self.own = tuple(own)
        self.names = tuple(self.annotations)
        self.known = frozenset(self.names)
        self.placed = () if kw_only else self.names
        self.left_out = {*own, "__dict__", "__weakref__"}
        self.finish = hasattr(kind, "__post_init__")
        self.defaults, self.factories = _sorted(self.values)

    def by_name(self, given: tuple[Any, ...], told: dict[str, Any]) -> dict[str, Any]:
        """What is given by position and by name; a name that can't be where a field is given twice."""
        placed = dict(zip(self.placed, given, strict=False))
        again = len(given) > len(self.placed) or placed.keys() & told.keys()
        return {"": None} if again else placed | told

    def fields(self) -> Any:
        """As `dataclasses` keeps them; made when somebody asks, which few do."""
        inside = {**self.values, "__annotations__": self.annotations, "__doc__": ""}
        like: Any = type("like", (), inside)
        dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=self.kw_only)(like)
        return like.__dataclass_fields__


def _sorted(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Plain defaults, and factories of defaults."""
    defaults, factories = {}, {}
    for name, value in values.items():
        if not isinstance(value, dataclasses.Field):
            defaults[name] = value
        elif value.default_factory is not dataclasses.MISSING:
            factories[name] = value.default_factory
        elif value.default is not dataclasses.MISSING:
            defaults[name] = value.default
    return defaults, factories


class _Fields:
    """`__dataclass_fields__`, found on the first look and kept in the class."""

    def __get__(self, _instance: object, kind: Any) -> Any:
        kind.__dataclass_fields__ = kind._declared_.fields()
        return kind.__dataclass_fields__


def _init(self: Any, *given: Any, **told: Any) -> None:
    declared = self._declared_
    values = declared.defaults | (declared.by_name(given, told) if given else told)
    for name, factory in declared.factories.items():
        if name not in values:
            values[name] = factory()
    if values.keys() != declared.known:
        raise TypeError(f"{type(self).__name__} takes {', '.join(declared.names)}, each once")
    for name in declared.names:
        object.__setattr__(self, name, values[name])
    if declared.finish:
        self.__post_init__()


def _values(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, name) for name in self._declared_.names)


def _repr(self: Any) -> str:
    told = (f"{name}={getattr(self, name)!r}" for name in self._declared_.names)
    return f"{type(self).__qualname__}({', '.join(told)})"


def _eq(self: Any, other: object) -> Any:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _set(self: Any, name: str, _value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _restore(self: Any, values: tuple[Any, ...]) -> None:
    for name, value in zip(self._declared_.names, values, strict=True):
        object.__setattr__(self, name, value)


_METHODS = {
    "__dataclass_fields__": _Fields(),
    "__init__": _init,
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": _hash,
    "__setattr__": _set,
    "__delattr__": _delete,
    "__getstate__": _values,
    "__setstate__": _restore,
}
