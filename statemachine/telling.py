"""Telling `on_<state>` hooks what the last daemon did not come to, and crossing off what has been told."""

from __future__ import annotations

import logging

from ezrec.statemachine.commit import deliver
from ezrec.statemachine.errors import NoSuchRecording, StateMachineError
from ezrec.statemachine.markers import How
from ezrec.statemachine.place import Place
from ezrec.statemachine.tells import Tell
from ezrec.statemachine.view import look
from ezrec.statemachine.world import World

log = logging.getLogger("ezrec")


def tell_what_was_left(world: World) -> None:
    """States that were reached, and not told, when the last daemon ended."""
    for tell in _waiting(world):
        try:
            if _is_due(world, tell):
                deliver(world, tell)
            else:
                cross_off(world, tell.run)
        except (StateMachineError, OSError) as error:
            _say_later(tell, error)


def tell_on(world: World) -> bool:
    """Begin those that wait, as many as there is room for. False where one can't be begun just now: the
    others would not fare better."""
    tells = world.tells
    while tells.queue and tells.has_room():
        tell = next(iter(tells.queue.values()))
        try:
            if not deliver(world, tell):
                return False
        except (StateMachineError, OSError) as error:
            del tells.queue[tell.run]
            _say_later(tell, error)
    return True


def _say_later(tell: Tell, error: Exception) -> None:
    log.warning("%s: on_%s is told later: %s", tell.recording, tell.state, error)


def cross_off(world: World, run: str) -> None:
    """It has been told, or there is nothing to tell."""
    try:
        world.tells.remove(run)
    except OSError as error:
        log.warning("a tell can't be crossed off, it is told again: %s", error.strerror)


def _waiting(world: World) -> list[Tell]:
    try:
        return world.tells.waiting()
    except OSError as error:
        log.warning("what was still to be told can't be read: %s", error.strerror)
        return []


def _is_due(world: World, tell: Tell) -> bool:
    """Whether there is a hook for it, and the state was reached: it may have been left again, and the
    last daemon may have been killed before its journal knew of it. Raises StateMachineError, OSError:
    that can't be known just now."""
    declared = any(state.name == tell.state for state in world.lifecycle.states)
    if not declared or not world.hooks.find(f"on_{tell.state}"):
        return False
    try:
        with world.root.opened(tell.recording) as fd:
            case = look(world, tell.recording, Place(fd, world.lifecycle), leased=False)
            lines = case.journal.read()
    except NoSuchRecording:
        return False
    known = any(
        line["kind"] in ("state", "push") and line.get("state") == tell.state for line in lines
    )
    return known or (case.resolution.how is How.ARRIVED and case.state == tell.state)
