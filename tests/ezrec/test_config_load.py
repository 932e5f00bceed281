"""Where settings come from, who wins, and how all that is wrong is said at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from ezrec.config import CameraSettings, Config, StageSettings, load, options
from ezrec.config.secrets import with_dotenv
from ezrec.errors import ConfigError


def problems_of(
    text: str,
    directory: Path,
    flags: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """What load complains about when `text` is the file; nothing if it does not."""
    file = directory / "ezrec.yaml"
    file.write_text(text, "utf-8")
    try:
        load(file, flags or {}, environ or {})
    except ConfigError as error:
        return error.problems
    return ()


def loaded(text: str, directory: Path, **environ: str) -> Config:
    file = directory / "ezrec.yaml"
    file.write_text(text, "utf-8")
    return load(file, {}, environ)


def test_without_anything_the_defaults_hold() -> None:
    """No file, no flag, no variable: the model's own defaults."""
    assert load(None, {}, {}) == Config()


FIVE = """\
settle: soon
capture:
  size: 1281x720
merge:
  layout: sideways
cameras:
  - {id: a}
  - {id: a}
retention: 7 d
"""


def test_five_mistakes_are_named_all_five_with_their_lines(tmp_path: Path) -> None:
    """One run is enough to mend a file."""
    assert problems_of(FIVE, tmp_path) == (
        'ezrec.yaml:1: settle: "soon" is no duration: write it like 5 s, 10 min or 4 h',
        "ezrec.yaml:3: capture.size: 1281 pixels will not do: even numbers from 16 to 8192 will",
        'ezrec.yaml:5: merge.layout: "sideways" is not one of side_by_side, stacked, single',
        'ezrec.yaml:8: cameras[1].id: another camera has the id "a" already',
        "ezrec.yaml:9: retention: there is no such setting",
    )


def test_the_problems_of_all_sources_come_together_in_the_order_of_precedence(
    tmp_path: Path,
) -> None:
    """Flags, environment, file, `.env`: each named as its source calls it."""
    (tmp_path / ".env").write_text("A=1\nEZREC_SCAN_EVERY=never\n")
    found = problems_of(
        "watch: x\n", tmp_path, {"merge.feather": "-1"}, {"EZREC_CAPTURE_RATE": "0"}
    )
    assert [problem.split(': "')[0] for problem in found] == [
        "flags: merge.feather",
        "environment: EZREC_CAPTURE_RATE",
        "ezrec.yaml:1: watch",
        ".env:2: EZREC_SCAN_EVERY",
    ]


def test_the_message_counts_the_problems_and_tells_the_first(tmp_path: Path) -> None:
    """Who prints the message alone still learns file, line and key."""
    file = tmp_path / "ezrec.yaml"
    file.write_text(FIVE)
    with pytest.raises(
        ConfigError, match=r"5 problems in the configuration, the first: ezrec\.yaml:1"
    ):
        load(file, {}, {})
    file.write_text("settle: soon\n")
    with pytest.raises(ConfigError, match=r"^ezrec\.yaml:1: settle: "):
        load(file, {}, {})


def test_precedence_flags_variables_file_original_dotenv_defaults(tmp_path: Path) -> None:
    """Take away the winner and the next one wins, down to the default."""
    (tmp_path / ".env").write_text("EZREC_CAPTURE_SIZE=20x20\nRESOLUTION=22x22\n")
    file = tmp_path / "ezrec.yaml"
    file.write_text("capture: {size: 32x32}\n")
    flags, own, original = (
        {"capture.size": "64x64"},
        {"EZREC_CAPTURE_SIZE": "48x48"},
        {"RESOLUTION": "24x24"},
    )
    assert load(file, flags, own | original).capture.size == (64, 64)
    assert load(file, {}, own | original).capture.size == (48, 48)
    assert load(file, {}, original).capture.size == (32, 32)
    file.write_text("")
    assert load(file, {}, original).capture.size == (24, 24)
    assert load(file, {}, {}).capture.size == (20, 20)
    (tmp_path / ".env").write_text("RESOLUTION=22x22\n")
    assert load(file, {}, {}).capture.size == (22, 22)
    (tmp_path / ".env").unlink()
    assert load(file, {}, {}).capture.size == (1280, 720)


def test_native_height_wins_over_a_number_below_it(tmp_path: Path) -> None:
    """A value that means None is a value."""
    file = tmp_path / "ezrec.yaml"
    file.write_text("merge: {height: 1080}\n")
    assert load(file, {}, {}).merge.height == 1080
    assert load(file, {"merge.height": "native"}, {}).merge.height is None


def test_own_sources_are_checked_where_they_lose_shared_ones_are_not(tmp_path: Path) -> None:
    """A mistake in the file is a mistake; another program's RESOLUTION is not ours to judge."""
    flags = {"capture.size": "64x64"}
    assert len(problems_of("capture: {size: big}\n", tmp_path, flags)) == 1
    assert problems_of("", tmp_path, flags, {"RESOLUTION": "big"}) == ()
    assert len(problems_of("", tmp_path, {}, {"RESOLUTION": "big"})) == 1
    (tmp_path / ".env").write_text('DUAL_CAMERA_MODE=perhaps\nRESOLUTION="1\n')
    assert problems_of("cameras: [{id: a}]\n", tmp_path, flags) == ()
    assert len(problems_of("", tmp_path)) == 2


def test_the_named_file_then_the_variable_then_the_one_in_the_root(tmp_path: Path) -> None:
    """`--config`, `EZREC_CONFIG`, `<root>/ezrec.yaml` if it is there."""
    for name in ("named", "variable", "root"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ezrec.yaml").write_text(f"user_id: {name}\n")
    named, variable = tmp_path / "named/ezrec.yaml", str(tmp_path / "variable/ezrec.yaml")
    root = {"root": str(tmp_path / "root")}
    assert load(named, root, {"EZREC_CONFIG": variable}).user_id == "named"
    assert load(None, root, {"EZREC_CONFIG": variable}).user_id == "variable"
    assert load(None, root, {"EZREC_CONFIG": ""}).user_id == "root"
    config = load(None, {}, {"EZREC_ROOT": root["root"]})
    assert (config.user_id, config.file) == ("root", tmp_path / "root/ezrec.yaml")
    assert load(None, {"root": str(tmp_path)}, {}) == Config(root=tmp_path)


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    """A typing error in a path must not run a station on its defaults."""
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "ezrec.yml", {}, {})
    with pytest.raises(ConfigError, match="No such file"):
        load(None, {}, {"EZREC_CONFIG": str(tmp_path / "ezrec.yml")})


def test_a_file_in_a_root_means_that_root(tmp_path: Path) -> None:
    """Where nobody says the root: what the file says, else its directory if that is a root."""
    assert loaded("", tmp_path).root is None
    (tmp_path / ".ezrec-root").write_text("id")
    assert loaded("", tmp_path).root == tmp_path
    assert loaded("root: elsewhere\n", tmp_path).root == tmp_path / "elsewhere"
    assert loaded("root: elsewhere\n", tmp_path, EZREC_ROOT="/srv").root == Path("/srv")


def test_dotenv_is_read_in_the_root_where_there_is_no_file(tmp_path: Path) -> None:
    """A station's `.env` is enough."""
    (tmp_path / ".env").write_text("RECORDING_FPS=25 # PAL\n")
    assert load(None, {"root": str(tmp_path)}, {}).capture.rate == 25


def test_relative_paths_count_from_where_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's directory; for flags and variables the working directory. All end absolute."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    config = loaded("hooks: {path: [site, /opt/hooks]}\nupload: {to: out}\n", tmp_path)
    assert config.hooks_path == (tmp_path / "site", Path("/opt/hooks"))
    assert config.upload.to == (tmp_path / "out").as_uri()
    assert loaded("hooks: {path: site}\n", tmp_path).hooks_path == (tmp_path / "site",)
    assert load(None, {}, {"EZREC_HOOKS_PATH": "a:/b"}).hooks_path == (
        tmp_path / "here/a",
        Path("/b"),
    )
    assert load(Path("../ezrec.yaml"), {}, {}).file == tmp_path / "here/../ezrec.yaml"


def test_scalars_mean_what_they_look_like(tmp_path: Path) -> None:
    """YAML's guesses (`no` is false, `012` is ten, `12:30` is 750) are not made."""
    text = "cameras:\n  - {id: 012, name: no, serial: 12:30}\n  - {id: 1e3, name: }\n"
    assert loaded(text, tmp_path).cameras == (
        CameraSettings(id="012", name="no", serial="12:30"),
        CameraSettings(id="1e3"),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cameras: []", "1: cameras: there must be at least one camera"),
        ("cameras:\n - name: x", "2: cameras[0]: this camera has no id"),
        ("cameras:\n - id: a b", '2: cameras[0].id: "a b" will not do: '),
        ("cameras:\n - id:", "2: cameras[0].id: there is nothing here"),
        ("cameras:\n - id: [a]", "2: cameras[0].id: one value belongs here"),
        ("cameras:\n - id: a\n   serail: x", "3: cameras[0].serail: there is no such setting (did"),
        ("cameras:\n - [a]", "2: cameras[0]: a camera is a mapping with an id"),
        ("cameras: {id: a, nam: b}", "1: cameras[0].nam: there is no such setting (did you mean"),
        ("capture: 5", "1: capture: this is a section: keys belong below it"),
        ("capture: {rat: 1}", "1: capture.rat: there is no such setting (did you mean capture.rat"),
        ("size: 1", "1: size: there is no such setting (did you mean capture.size?)"),
        ("settle: [5 s]", "1: settle: one value belongs here, not a list or a mapping"),
        ("hooks:\n  path:\n    - a\n    - {b: c}", "4: hooks.path: one value belongs here"),
        ("user_id: a/b", '1: user_id: "a/b" will not do: '),
        ("upload: {to: s3://b}", '1: upload.to: "s3" destinations come in a later version'),
        ('"\\e[31m": 1', "1: \\x1b[31m: there is no such setting"),
    ],
)
def test_each_mistake_has_its_sentence(text: str, problem: str, tmp_path: Path) -> None:
    """File, line and key, and what to do where that can be known."""
    (found,) = problems_of(text, tmp_path)
    assert found.startswith(f"ezrec.yaml:{problem}")


def test_flags_may_say_any_key_and_an_unknown_one_is_named() -> None:
    """Stages too: `stages.merge.attempts`."""
    config = load(None, {"stages.merge.attempts": "1", "cameras": "a, b"}, {})
    assert config.stages == {"merge": StageSettings(attempts=1)}
    assert [camera.id for camera in config.cameras] == ["a", "b"]
    with pytest.raises(ConfigError, match=r"flags: capture.sice.*did you mean capture.size\?"):
        load(None, {"capture.sice": "1"}, {})


def test_slips_in_variables_are_named_and_a_hooks_variables_are_not() -> None:
    """What hooks find in their environment is no configuration."""
    hook = "HOOK STAGE STATE RECORDING_ID RECORDING_DIR ROOT ATTEMPT MAX_ATTEMPTS BOOKING_ID"
    names = [*hook.split(), "USER_ID", "CAMERA_IDS", "CONFIG", "RUN_ID"]
    environ = {f"EZREC_{name}": "x" for name in names} | {"EZREC_CONFIG": "", "EZREC_X": "y"}
    assert load(None, {}, environ).user_id == "x"
    with pytest.raises(ConfigError, match="did you mean EZREC_CAPTURE_SIZE"):
        load(None, {}, {"EZREC_CAPTURE_SIZ": "1x1"})


def test_an_empty_variable_counts_as_not_set() -> None:
    """As `.env` templates have them."""
    assert load(None, {}, {"EZREC_SETTLE": "", "RESOLUTION": ""}) == Config()


@pytest.mark.parametrize(
    ("environ", "cameras"),
    [
        ({}, Config().cameras),
        ({"DUAL_CAMERA_MODE": "false # one"}, (CameraSettings(id="0"),)),
        ({"DUAL_CAMERA_MODE": "true"}, Config().cameras),
        (
            {"CAMERA_0_SERIAL": "a", "CAMERA_1_NAME": "Right half"},
            (CameraSettings(id="0", serial="a"), CameraSettings(id="1", name="Right half")),
        ),
        (
            {"CAMERA_0_SERIAL": "a", "CAMERA_1_SERIAL": "b", "DUAL_CAMERA_MODE": "False"},
            (CameraSettings(id="0", serial="a"),),
        ),
    ],
)
def test_the_originals_cameras(
    environ: dict[str, str], cameras: tuple[CameraSettings, ...], tmp_path: Path
) -> None:
    """From the environment and from `.env` alike; the file's cameras win as a whole."""
    assert load(None, {}, environ).cameras == cameras
    (tmp_path / ".env").write_text("".join(f"{k}={v}\n" for k, v in environ.items()))
    assert loaded("", tmp_path).cameras == cameras
    assert loaded("cameras: [{id: z}]\n", tmp_path).cameras == (CameraSettings(id="z"),)


def test_the_originals_cameras_may_be_said_half_here_and_half_there(tmp_path: Path) -> None:
    """A serial in the environment does not lose the other camera's serial in `.env`."""
    (tmp_path / ".env").write_text("CAMERA_0_SERIAL=x\nCAMERA_1_SERIAL=b\n")
    assert [c.serial for c in loaded("", tmp_path, CAMERA_0_SERIAL="a").cameras] == ["a", "b"]


@pytest.mark.parametrize(
    ("method", "layout"),
    [
        ("side_by_side", "side_by_side"),
        ("stacked # old", "stacked"),
        ("advanced_stitch", "side_by_side"),
        ("STACKED", "stacked"),
    ],
)
def test_the_originals_merge_methods(method: str, layout: str) -> None:
    """The panorama is merged side by side until it is there."""
    assert load(None, {}, {"MERGE_METHOD": method}).merge.layout == layout


def test_a_stations_env_works_unchanged(tmp_path: Path) -> None:
    """Inline comments, quotes, names of other parts and lines that mean nothing."""
    (tmp_path / ".env").write_text(
        "# EZREC\nSUPABASE_URL=https://x.example\nUSER_ID='9b2f'   # owner\nnonsense\n"
        'export RESOLUTION="1920x1080"\nRECORDING_FPS=25 # or 30\nCAMERA_ROTATION=180 # both\n'
        'MERGE_METHOD=stacked\nEMAIL_HOST_PASSWORD="un closed\nLOG_LEVEL=\n'
    )
    config = loaded("", tmp_path)
    assert (config.user_id, config.capture.size, config.capture.rate) == ("9b2f", (1920, 1080), 25)
    assert config.merge.layout == "stacked"


def test_a_dotenv_value_that_cannot_be_read_is_named_without_the_value(tmp_path: Path) -> None:
    """Only where ezrec would read it; a value there may be a secret."""
    (tmp_path / ".env").write_text('A="1\nRESOLUTION="12\nDUAL_CAMERA_MODE=perhaps\n')
    assert problems_of("", tmp_path) == (
        ".env:2: RESOLUTION: the quotes around the value do not match",
        '.env:3: DUAL_CAMERA_MODE: "perhaps" is neither true nor false',
    )


def test_secrets_are_looked_up_in_the_environment_then_in_dotenv(tmp_path: Path) -> None:
    """And are no part of the Config."""
    (tmp_path / ".env").write_text("TOKEN=a\nOTHER=b\n")
    config = loaded("stages: {upload: {secrets: [TOKEN]}}\n", tmp_path)
    found = with_dotenv(config, {"TOKEN": "c"})
    assert (found["TOKEN"], found["OTHER"]) == ("c", "b")
    assert with_dotenv(Config(), {"TOKEN": "c"}) == {"TOKEN": "c"}


def test_a_station_that_says_everything(tmp_path: Path) -> None:
    """Each setting arrives in its field with its type."""
    text = """\
settle: 1 s
scan_every: 2 min
watch: poll
user_id: u-1
capture: {backend: synthetic, max_seconds: 90 min, size: 640x360, rate: 25, bitrate: 2 Mb/s}
merge:
  {layout: stacked, feather: 0, height: 720, size: 1920x1080, rate: 25, rotate: -1.5, lens: 0.1 0.03,
   quality: fast, encoder: h264_v4l2m2m, audio: left}
stages:
  capture: {limit: 1, grace: 0}
  merge: {attempts: 5, timeout: 30 min, backoff: 2 s, outputs: [merged.mp4, a.json]}
  review: {after: merged, to: reviewed, secrets: NAS_TOKEN}
"""
    config = loaded(text, tmp_path)
    assert (config.settle, config.scan_every) == (timedelta(seconds=1), timedelta(minutes=2))
    assert (config.watch, config.user_id) == ("poll", "u-1")
    assert options(config)["capture"] == {
        "backend": "synthetic",
        "max_seconds": 5400,
        "size": [640, 360],
        "rate": 25,
        "bitrate": 2_000_000,
    }
    assert options(config)["merge"] == {
        "layout": "stacked",
        "feather": 0,
        "height": 720,
        "size": [1920, 1080],
        "rate": 25,
        "rotate": -1.5,
        "lens": [0.1, 0.03],
        "quality": "fast",
        "encoder": "h264_v4l2m2m",
        "audio": "left",
    }
    assert config.stages["capture"] == StageSettings(limit=1, grace=timedelta())
    assert config.stages["merge"].outputs == ("merged.mp4", "a.json")
    assert config.stages["review"] == StageSettings(
        after="merged", to="reviewed", secrets=("NAS_TOKEN",)
    )
