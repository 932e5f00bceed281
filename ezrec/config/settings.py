"""All settings in one table: the loader, the sample file and the docs are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from ezrec.config import kinds
from ezrec.config.kinds import Kind
from ezrec.config.model import CaptureSettings, Config, MergeSettings
from ezrec.config.names import ORIGINAL

STAGE = "<stage>"
LIFECYCLE = "the lifecycle's"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One key of `ezrec.yaml`. `original` has the names that the original system used for it.

    `unset` says in words what holds when nobody sets it, where the default would not tell.
    """

    key: str
    kind: Kind
    meaning: str
    example: str
    variable: bool = True
    original: tuple[str, ...] = ()
    unset: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.key.split("."))

    @property
    def environment(self) -> str:
        """`EZREC_CAPTURE_SIZE`; empty where only the file (or a flag) can say it."""
        return "EZREC_" + "_".join(self.parts).upper() if self.variable else ""

    @property
    def default(self) -> Any:
        """From the model: `hooks.path` is `Config.hooks_path`."""
        name = "hooks_path" if self.key == "hooks.path" else self.key
        return attrgetter(name)(Config())

    @property
    def default_text(self) -> str:
        """As it would be written in the file."""
        return self.kind.show(self.default)


def _row(key: str, kind: Kind, meaning: str, example: str, unset: str = "") -> Setting:
    """What is said once for each stage or camera has no name in the environment."""
    return Setting(
        key=key,
        kind=kind,
        meaning=meaning,
        example=example,
        variable=STAGE not in key and "[]" not in key,
        original=ORIGINAL.get(key, ()),
        unset=unset,
    )


def _stage(name: str, kind: Kind, meaning: str, example: str, unset: str = LIFECYCLE) -> Setting:
    return _row(f"stages.{STAGE}.{name}", kind, meaning, example, unset)


# fmt: off
SETTINGS: tuple[Setting, ...] = (
    _row("root", kinds.PATH,
         "The watched directory. Recordings lie in it, or in a YYYY-MM-DD below it.",
         "/srv/recordings", unset="the file's directory, if it is a root"),
    _row("user_id", kinds.USER,
         "Whose recordings these are, where the recording itself does not say.",
         "9b2f61c4"),
    _row("settle", kinds.WAIT,
         "How long a dropped directory must have stood still before it is acted on.", "10 s"),
    _row("scan_every", kinds.TIME,
         "How often the root is scanned, whatever the watcher reports.", "2 min"),
    _row("watch", kinds.choice(Config, "watch"),
         "`poll` never uses inotify, for roots where it can't see.", "poll"),
    _row("cameras", kinds.CAMERAS,
         "The cameras, at least one. In a flag or a variable: their ids, `0,1`.",
         "[{id: left, name: Left half}, {id: right}]"),
    _row("cameras[].id", kinds.CAMERA_ID,
         "Names the footage: `camera_<id>.mp4`. Unique.", "left", unset="must be given"),
    _row("cameras[].name", kinds.LABEL,
         "What people call it.", "Left half", unset="empty"),
    _row("cameras[].serial", kinds.LABEL,
         "Tells two cameras of one kind apart.", "A1B2C3", unset="empty"),
    _row("hooks.path", kinds.PATHS,
         "Where hooks are looked up, in this order; ezrec's own come last.",
         "[hooks]", unset="ezrec's own alone"),
    _row("capture.backend", kinds.choice(CaptureSettings, "backend"),
         "Where pictures come from. `synthetic`: a moving test picture, no camera needed.",
         "synthetic"),
    _row("capture.max_seconds", kinds.TIME,
         "A recording that nothing else ends is ended after this.", "90 min"),
    _row("capture.size", kinds.SIZE, "The size of the picture.", "1920x1080"),
    _row("capture.rate", kinds.whole(1, 240), "Frames a second.", "25"),
    _row("capture.bitrate", kinds.BITRATE, "Bits a second of each camera's file.", "5 Mb/s"),
    _row("merge.layout", kinds.choice(MergeSettings, "layout"),
         "How two views become one.", "stacked"),
    _row("merge.feather", kinds.whole(0, 1000),
         "The width of the blended seam, in pixels.", "160"),
    _row("merge.height", kinds.HEIGHT,
         "What the views are scaled to before they are merged.", "1080"),
    _row("merge.size", kinds.BOX,
         "The size of the merged picture: the views are fitted into it, whole.", "1920x1080"),
    _row("merge.rate", kinds.RATE,
         "Frames a second of the merged video; `native` is the faster camera's.", "25"),
    _row("merge.rotate", kinds.ANGLE,
         "Turns every view clockwise; what would be an empty corner is cut off.", "-1.5"),
    _row("merge.lens", kinds.LENS,
         "Radial correction of wide lenses: k1 and k2.", "0.1 0.03"),
    _row("merge.quality", kinds.choice(MergeSettings, "quality"),
         "How much work goes into how small a file.", "small"),
    _row("merge.encoder", kinds.choice(MergeSettings, "encoder"),
         "`h264_v4l2m2m` is the hardware of a Pi up to 4; where it does not work, x264 it is.",
         "h264_v4l2m2m"),
    _row("merge.audio", kinds.choice(MergeSettings, "audio"),
         "Which cameras' sound is kept, if there is any.", "left"),
    _row("upload.to", kinds.DESTINATION,
         "Where merged videos go.", "file:///mnt/nas/videos", unset="`archive` in the root"),
    _stage("limit", kinds.whole(1, 64), "How many of it run at once.", "2"),
    _stage("attempts", kinds.whole(1, 100), "How often it is tried.", "5"),
    _stage("timeout", kinds.TIME, "How long one attempt may take.", "30 min"),
    _stage("grace", kinds.WAIT, "From TERM to KILL.", "20 s"),
    _stage("backoff", kinds.TIME, "First wait after a failure (± a quarter); doubles, up to 15 min.", "2 s"),
    _stage("outputs", kinds.OUTPUTS, "What must be there when it ends.", "[report.txt]"),
    _stage("secrets", kinds.SECRETS, "Variables that its hook may see.", "[NAS_TOKEN]", "none"),
    _stage("after", kinds.STATE, "Own stage: the state it leads out of.", "merged", "—"),
    _stage("to", kinds.STATE, "Own stage: the new state it leads to.", "reviewed", "—"),
)
# fmt: on


_BY_PARTS = {setting.parts: setting for setting in SETTINGS}


def setting_of(key: tuple[str, ...]) -> Setting | None:
    """The setting for a concrete key: `("stages", "merge", "attempts")` too."""
    if len(key) == 3 and key[0] == "stages":
        return _BY_PARTS.get(("stages", STAGE, key[2]))
    return _BY_PARTS.get(key)


def below(section: tuple[str, ...]) -> dict[str, Setting | None]:
    """What may stand below a section, by name; None for what is a section itself.

    Empty for what is no section. Any name may stand below `stages`.
    """
    pattern = ("stages", STAGE) if len(section) == 2 and section[0] == "stages" else section
    depth = len(pattern)
    return {
        parts[depth]: _BY_PARTS.get(parts[: depth + 1])
        for parts in _BY_PARTS
        if parts[:depth] == pattern and len(parts) > depth and "[]" not in parts[depth]
    }
