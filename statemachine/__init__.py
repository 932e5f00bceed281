"""The marker-file state machine: a directory is a subject, its marker file is its state.

It knows nothing of what the directories hold. Everything public is named here and imported when it is
first used, so that a part of it costs only what that part needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ezrec.statemachine.engine import Engine
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
    from ezrec.statemachine.lifecycle import Lifecycle, Stage, State, Transition
    from ezrec.statemachine.machine import LifecycleMachine
    from ezrec.statemachine.markers import Facts, Resolution, resolve
    from ezrec.statemachine.root import Root, make_root
    from ezrec.statemachine.world import Changed

_HOME = {
    "Engine": "engine",
    "DirectoryRefused": "errors",
    "IllegalTransition": "errors",
    "Leased": "errors",
    "LifecycleError": "errors",
    "NameRefused": "errors",
    "NoSuchRecording": "errors",
    "RootBusy": "errors",
    "RootUnusable": "errors",
    "RunnerUnavailable": "errors",
    "StateMachineError": "errors",
    "Lifecycle": "lifecycle",
    "Stage": "lifecycle",
    "State": "lifecycle",
    "Transition": "lifecycle",
    "LifecycleMachine": "machine",
    "Facts": "markers",
    "Resolution": "markers",
    "resolve": "markers",
    "Root": "root",
    "make_root": "root",
    "Changed": "world",
}

__all__ = [
    "Changed",
    "DirectoryRefused",
    "Engine",
    "Facts",
    "IllegalTransition",
    "Leased",
    "Lifecycle",
    "LifecycleError",
    "LifecycleMachine",
    "NameRefused",
    "NoSuchRecording",
    "Resolution",
    "Root",
    "RootBusy",
    "RootUnusable",
    "RunnerUnavailable",
    "Stage",
    "State",
    "StateMachineError",
    "Transition",
    "make_root",
    "resolve",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
