"""The group of commands, and the options that all of them share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ezrec.text import printable

if TYPE_CHECKING:
    from ezrec.config import Config
    from ezrec.statemachine.view import Scene

_DEFAULTS_HOLD = "this goes by the defaults, and knows no stage of the site's own"
Command = TypeVar("Command", bound=Callable[..., Any])

#: command -> (module of ezrec.cli, one line of help)
COMMANDS = {
    "demo": ("demo", "A recording through its whole life, while you watch."),
    "init": ("init", "Make a directory a recordings root."),
    "watch": ("watch", "The daemon: take every recording to its end."),
    "status": ("status", "Every recording: its state and what is being done."),
    "why": ("why", "One recording in words: what happened, what happens next, the way out."),
    "repair": ("repair", "Find what is inconsistent, and mend it."),
    "push": ("operate", "Force a recording into a state."),
    "retry": ("operate", "Try again what failed or waits."),
    "hold": ("operate", "Leave a recording alone."),
    "release": ("operate", "End a hold."),
    "stop": ("operate", "End the stage that runs; a capture keeps what it has."),
    "new": ("new", "Make a recording's directory."),
    "history": ("history", "What happened to a recording."),
    "logs": ("logs", "What its hooks printed."),
    "hooks": ("hooks", "Which hook serves which stage."),
    "graph": ("graph", "The lifecycle, drawn."),
    "merge": ("merge", "Merge one or two videos, outside of any recording."),
    "probe": ("probe", "What is in video files."),
}


class Commands(click.Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"ezrec.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"there is no command {args[0]!r}{meant(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in COMMANDS.items()])


def meant(word: str, known: Iterable[str]) -> str:
    """` (did you mean …?)`, or nothing where no known word comes near."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""


class Common:
    """What `--root` and `--config` said, on whichever side of the command's name."""

    def __init__(self, *, root: str | None = None, config: str | None = None) -> None:
        self.root = root
        self.config = config

    def load(self, **flags: str) -> Config:
        """The configuration. Raises ConfigError."""
        from ezrec.config import load

        told = {"root": self.root, **flags}
        given = {key: value for key, value in told.items() if value}
        return load(self._file(), given, os.environ)

    def load_anyway(self) -> Config:
        """`load`, for what a person has to be able to do at all times: look, hold, stop. Mistakes are
        said in one line, and the defaults hold. Raises ConfigError where not even the root is known."""
        from ezrec.config import load_what_can_be

        given = {"root": self.root} if self.root else {}
        config, error = load_what_can_be(self._file(), given, os.environ)
        if error and config.root is None:
            raise error
        if error:
            click.echo(f"ezrec: warning: {printable(error.message)} ({_DEFAULTS_HOLD})", err=True)
        return config

    def scene(self) -> Scene:
        """What it takes to read the root, whatever the configuration is like. Raises ConfigError (no
        root is known), RootUnusable."""
        from ezrec.scene import scene_for

        return scene_for(self.load_anyway())

    def _file(self) -> Path | None:
        return Path(self.config) if self.config else None

    @property
    def again(self) -> str:
        """How to say `ezrec` so that it means this root again: with the options of this call."""
        from ezrec.statemachine.names import quote

        told = (("--root", self.root), ("--config", self.config))
        options = (f"{name} {quote(_absolute(value))}" for name, value in told if value)
        return " ".join([quote(_program()), *options])


def _absolute(path: str) -> str:
    try:
        return os.path.abspath(path)
    except OSError:  # the working directory was removed; the configuration counts from here then
        return os.path.abspath(f"/{path}")


def _program() -> str:
    """`ezrec` where the shell finds it; the path that was called where it does not."""
    called = Path(sys.argv[0])
    found = (os.access(f"{directory}/ezrec", os.X_OK) for directory in os.get_exec_path())
    plain = called.name != "ezrec" or any(found)
    return "ezrec" if plain else os.path.abspath(called)


def common_options(command: Command) -> Command:
    """`--root` and `--config`, handed on to the command as a `Common`."""
    for name, help_ in (
        ("root", "The recordings root (or EZREC_ROOT)."),
        ("config", "The configuration (or EZREC_CONFIG; else ezrec.yaml in the root)."),
    ):
        metavar = "DIR" if name == "root" else "FILE"
        command = click.option(
            f"--{name}", metavar=metavar, help=help_, expose_value=False, callback=_take
        )(command)
    return command


def _take(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    common = ctx.ensure_object(Common)
    if value == "":
        raise click.BadParameter("it is empty")
    if value is not None and param.name:
        setattr(common, param.name, value)
    return value


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ezrec")
@common_options
@click.pass_context
def ezrec(ctx: click.Context) -> None:
    """Unattended recording: each recording is a directory, its marker file is its state.

    \b
    Begin with:
      ezrec demo                       see one recording go through its life
      ezrec init /srv/recordings       make a root
      export EZREC_ROOT=/srv/recordings
      ezrec watch                      the daemon
      ezrec status                     what there is
    """
    ctx.ensure_object(Common)
