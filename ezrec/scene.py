"""From the configuration to what it takes to read a root. Cheap: nothing heavy is imported."""

from __future__ import annotations

import json
from pathlib import Path

import ezrec
from ezrec.config.model import Config
from ezrec.config.options import options
from ezrec.errors import ConfigError
from ezrec.lifecycle import lifecycle_for
from ezrec.statemachine.clock import SystemClock
from ezrec.statemachine.digest import digest
from ezrec.statemachine.hooks import HookPath
from ezrec.statemachine.root import Root
from ezrec.statemachine.view import Scene

HOOKS = "hooks"
ARCHIVE = "archive"
#: names directly below a root that are the site's own, never recordings
RESERVED = frozenset({HOOKS, ARCHIVE})


def root_of(config: Config) -> Path:
    """The root that the configuration names. Raises ConfigError."""
    if config.root is None:
        hint = "say --root DIR, set EZREC_ROOT, or make one: ezrec init DIR"
        raise ConfigError("no recordings root is named", hint)
    return config.root


def hook_directories(config: Config) -> tuple[Path, ...]:
    """Where hooks are looked up: the site's first, the root's own, ezrec's last."""
    own = Path(ezrec.__file__).parent / "hooks"
    return tuple(dict.fromkeys((*config.hooks_path, root_of(config) / HOOKS, own)))


def scene_for(config: Config) -> Scene:
    """All that reading needs. Raises ConfigError, RootUnusable, LifecycleError."""
    return Scene(
        root=Root(root_of(config), RESERVED),
        lifecycle=lifecycle_for(config),
        clock=SystemClock(),
        hooks=HookPath(hook_directories(config)),
        setup=setup_of(config),
    )


def setup_of(config: Config) -> str:
    """A fingerprint of the settings that hooks are told of: a parked stage is tried when it changes."""
    said = {
        "options": options(config),
        "stages": {n: s._asdict() for n, s in config.stages.items()},
    }
    return digest([json.dumps(said, default=str, sort_keys=True)])
