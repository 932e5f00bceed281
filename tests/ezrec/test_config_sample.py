"""What is made from the table of settings: the sample file, the docs, the hooks' options."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ezrec.config import Config, load, options
from ezrec.config.sample import sample, shown
from ezrec.config.settings import SETTINGS
from ezrec.config.table import with_table

ROOT = Path(__file__).parents[2]


def loaded(text: str, directory: Path) -> Config:
    file = directory / "ezrec.yaml"
    file.write_text(text, "utf-8")
    return load(file, {}, {})


def test_the_sample_loads_and_changes_nothing(tmp_path: Path) -> None:
    """A fresh station stands at its defaults."""
    assert loaded(sample(), tmp_path) == Config(file=tmp_path / "ezrec.yaml")


def test_the_sample_uncommented_says_the_defaults(tmp_path: Path) -> None:
    """Each default that is shown is the default; each example that is shown loads."""
    config = loaded(re.sub(r"(?m)^( *)#(?=\S)", r"\1", sample()), tmp_path)
    assert config.hooks_path == (tmp_path / "hooks",)
    assert config.stages.keys() == {"merge", "review"}
    told = {"root", "file", "hooks_path", "stages", "upload"}
    for name in set(Config._fields) - told:
        assert getattr(config, name) == getattr(Config(), name)


def test_the_sample_names_every_setting() -> None:
    """No key is left out, and no line is too long to read."""
    text = sample()
    for setting in SETTINGS:
        assert re.search(rf"(?m)^ *# ?{setting.parts[-1].removeprefix('[].')}: ", text), setting.key
        assert setting.meaning in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_sample_with_values_sets_them(tmp_path: Path) -> None:
    """As `ezrec init` and `ezrec demo` do."""
    text = sample({"capture.size": "640x360", "cameras": "[{id: a}]", "hooks.path": "hooks"})
    config = loaded(text, tmp_path)
    assert (config.capture.size, [camera.id for camera in config.cameras]) == ((640, 360), ["a"])
    assert config.hooks_path == (tmp_path / "hooks",)
    with pytest.raises(ValueError, match=r"capture\.sice"):
        sample({"capture.sice": "1"})


@pytest.mark.parametrize(
    "setting",
    [s for s in SETTINGS if len(s.parts) < 3 and "[]" not in s.key],
    ids=lambda setting: str(setting.key),
)
def test_every_example_loads(setting: object, tmp_path: Path) -> None:
    """And so does what the sample shows."""
    (known,) = (each for each in SETTINGS if each is setting)
    for value in (known.example, shown(known)):
        loaded(sample({known.key: value}), tmp_path)


def test_the_docs_table_is_the_codes() -> None:
    """`python -m ezrec.config.table docs/configuration.md` writes it anew."""
    page = (ROOT / "docs/configuration.md").read_text("utf-8")
    assert with_table(page) == page


def test_a_page_without_the_markers_is_refused() -> None:
    """Nothing is written over."""
    with pytest.raises(ValueError, match="settings: begin"):
        with_table("# A page\n")


def test_the_docs_first_example_loads(tmp_path: Path) -> None:
    """What people copy works."""
    page = (ROOT / "docs/configuration.md").read_text("utf-8")
    (text,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    config = loaded(text, tmp_path)
    assert config.stages["review"].to == "reviewed"


def test_options_are_json_of_plain_sections() -> None:
    """What a hook reads from its standard input."""
    assert json.loads(json.dumps(options(Config()))) == {
        "capture": {
            "backend": "synthetic",
            "max_seconds": 14400,
            "size": [1280, 720],
            "rate": 30,
            "bitrate": 6_000_000,
        },
        "cameras": [
            {"id": "0", "name": "", "serial": ""},
            {"id": "1", "name": "", "serial": ""},
        ],
        "merge": {
            "layout": "side_by_side",
            "feather": 100,
            "height": None,
            "size": None,
            "rate": None,
            "rotate": 0.0,
            "lens": [0.0, 0.0],
            "quality": "balanced",
            "encoder": "x264",
            "audio": "mix",
        },
        "upload": {"to": ""},
    }


def test_the_model_is_imported_without_yaml() -> None:
    """Hooks and the state machine pay nothing for the parser."""
    code = "import sys, ezrec.config.model; sys.exit('yaml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
