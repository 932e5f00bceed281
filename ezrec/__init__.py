"""ezrec: each recording is a directory, its marker file is its state.

    from ezrec import Recording, State, Station

Everything public is named here and imported when it is first used: the state machine can be used
where no video library is installed.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ezrec.config import Config
    from ezrec.errors import ConfigError, DataError, EzrecError, TryLater, Unavailable
    from ezrec.lifecycle import RECORDING
    from ezrec.lifecycle import RecordingState as State
    from ezrec.recording import Recording
    from ezrec.statemachine.errors import (
        DirectoryRefused,
        IllegalTransition,
        Leased,
        LifecycleError,
        NameRefused,
        NoSuchRecording,
        RootBusy,
        RootUnusable,
        RunnerUnavailable,
        StateMachineError,
    )
    from ezrec.station import Station, Transition

if not (Path(__file__).parent / "statemachine").is_dir():
    raise ImportError(
        "this copy of ezrec has lost its symbolic links (a ZIP, or git without core.symlinks):"
        " clone it with git, or install the wheel"
    )

__version__ = "0.1.0"

_HOME = {
    "Config": ("ezrec.config", "Config"),
    "ConfigError": ("ezrec.errors", "ConfigError"),
    "DataError": ("ezrec.errors", "DataError"),
    "DirectoryRefused": ("ezrec.statemachine.errors", "DirectoryRefused"),
    "EzrecError": ("ezrec.errors", "EzrecError"),
    "IllegalTransition": ("ezrec.statemachine.errors", "IllegalTransition"),
    "Leased": ("ezrec.statemachine.errors", "Leased"),
    "LifecycleError": ("ezrec.statemachine.errors", "LifecycleError"),
    "NameRefused": ("ezrec.statemachine.errors", "NameRefused"),
    "NoSuchRecording": ("ezrec.statemachine.errors", "NoSuchRecording"),
    "RECORDING": ("ezrec.lifecycle", "RECORDING"),
    "Recording": ("ezrec.recording", "Recording"),
    "RootBusy": ("ezrec.statemachine.errors", "RootBusy"),
    "RootUnusable": ("ezrec.statemachine.errors", "RootUnusable"),
    "RunnerUnavailable": ("ezrec.statemachine.errors", "RunnerUnavailable"),
    "State": ("ezrec.lifecycle", "RecordingState"),
    "StateMachineError": ("ezrec.statemachine.errors", "StateMachineError"),
    "Station": ("ezrec.station", "Station"),
    "Transition": ("ezrec.station", "Transition"),
    "TryLater": ("ezrec.errors", "TryLater"),
    "Unavailable": ("ezrec.errors", "Unavailable"),
}

__all__ = [
    "RECORDING",
    "Config",
    "ConfigError",
    "DataError",
    "DirectoryRefused",
    "EzrecError",
    "IllegalTransition",
    "Leased",
    "LifecycleError",
    "NameRefused",
    "NoSuchRecording",
    "Recording",
    "RootBusy",
    "RootUnusable",
    "RunnerUnavailable",
    "State",
    "StateMachineError",
    "Station",
    "Transition",
    "TryLater",
    "Unavailable",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOME[name]
    return getattr(import_module(module), attribute)
