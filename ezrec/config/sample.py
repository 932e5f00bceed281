"""The commented `ezrec.yaml` that `ezrec init` writes: each key with meaning, type, default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ezrec.config.settings import SETTINGS, STAGE, Setting

HEAD = """\
# ezrec's configuration. What is commented out is not set: take the # away to set it.
# First wins: flags, EZREC_* variables, this file, the original system's variables, .env, defaults.
# Durations: 5 s, 10 min, 4 h; a bare number is seconds. Relative paths count from this file.
"""
STAGES = """\

# What you say about a stage. capture, merge and upload are ezrec's own. Any other name is a stage
# of your own: it leads from the state `after` to the new state `to`, and needs both.
stages:
"""


def sample(values: Mapping[str, str] | None = None) -> str:
    """The file's text. `values` are set in it, as YAML by key: {"capture.size": "640x360"}.

    Raises ValueError for a key that is no setting, and for those of single stages and cameras.
    """
    chosen = dict(values or {})
    plain = [setting for setting in SETTINGS if _is_plain(setting)]
    if unknown := chosen.keys() - {setting.key for setting in plain}:
        raise ValueError(f"these can't be set in a sample: {', '.join(sorted(unknown))}")
    return HEAD + "\n".join(_body(plain, chosen)) + "\n" + STAGES + "\n".join(_stages()) + "\n"


def _is_plain(setting: Setting) -> bool:
    return STAGE not in setting.parts and "[]" not in setting.key


def _body(settings: list[Setting], chosen: Mapping[str, str]) -> Iterator[str]:
    section = ""
    for setting in settings:
        inside = setting.parts[0] if len(setting.parts) == 2 else ""
        if inside != section:
            section = inside
            yield f"\n{section}:"
        yield from _setting(setting, "  " if inside else "", chosen.get(setting.key))


def _setting(setting: Setting, indent: str, value: str | None) -> Iterator[str]:
    if not indent:
        yield ""
    yield f"{indent}# {setting.meaning}"
    yield f"{indent}# {_described(setting)}"
    if setting.key == "cameras":
        for each in SETTINGS:
            if each.key.startswith("cameras[]"):
                yield f"# {each.parts[-1]}: {each.meaning} ({each.kind.words})"
    written = value if value is not None else shown(setting)
    yield f"{indent}{'' if value is not None else '#'}{setting.parts[-1]}: {written}"


def _described(setting: Setting) -> str:
    default = setting.unset or setting.default_text
    parts = (setting.kind.words, f"default: {default}", setting.environment)
    return f"({'; '.join(part for part in parts if part)})".replace("`", "")


def shown(setting: Setting) -> str:
    """The default where one can be written, else the example."""
    return setting.example if setting.unset else setting.default_text


def _stages() -> Iterator[str]:
    stage = [setting for setting in SETTINGS if STAGE in setting.parts]
    places = [setting for setting in stage if setting.parts[-1] in ("after", "to")]
    yield "  #merge:"
    for setting in stage:
        if setting not in places:
            yield from _stage_setting(setting)
    yield "  #review:"
    for setting in places:
        yield from _stage_setting(setting)


def _stage_setting(setting: Setting) -> Iterator[str]:
    yield f"    # {setting.meaning}"
    yield f"    # {_described(setting)}"
    yield f"    #{setting.parts[-1]}: {setting.example}"
