"""`ezrec watch`"""

from __future__ import annotations

import logging
import signal
import sys
from types import FrameType

import click

from ezrec.cli.boundary import EX_FAILURE, EX_TEMPFAIL, report
from ezrec.cli.group import Common, common_options
from ezrec.conceal import hide_from_others
from ezrec.errors import EzrecError
from ezrec.notify import Notifier
from ezrec.statemachine.errors import StateMachineError
from ezrec.statemachine.tally import Tally
from ezrec.station import Station
from ezrec.text import printable

log = logging.getLogger("ezrec")


@click.command("watch")
@click.option("--once", is_flag=True, help="Until nothing is runnable now, then leave.")
@click.option(
    "--unsafe-fs", is_flag=True, help="On a file system that can't keep the promises, by scanning."
)
@common_options
@click.pass_obj
def watch_command(common: Common, once: bool, unsafe_fs: bool) -> None:
    """Take every recording in the root to its end, for as long as it runs.

    SIGTERM and SIGINT stop it cleanly (what is being recorded goes on, and is taken up by the next
    start); SIGHUP reads the configuration again. With --once it leaves with 0, with 75 if something
    waits, with 1 if something failed in this run.

    A root on a file system that can't keep the promises (no rename that never replaces, no locks, no
    difference between upper and lower case) is refused; --unsafe-fs says what may be lost, and works.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Plain())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    hide_from_others()
    daemon = _Daemon(common, unsafe_fs)
    tally = daemon.run(once)
    sys.exit(_code(tally) if once else 0)


def _code(tally: Tally) -> int:
    if tally.failed:
        return EX_FAILURE
    return EX_TEMPFAIL if tally.waiting or tally.troubled.keys() - tally.refused else 0


class _Plain(logging.Formatter):
    """Reasons and names came from anywhere: none of them can drive a terminal, or begin a line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's own name
        return printable(super().formatMessage(record))


class _Daemon:
    """A station that is replaced by a new one when the configuration is read again."""

    def __init__(self, common: Common, unsafe_fs: bool) -> None:
        self._common = common
        self._unsafe_fs = unsafe_fs
        self._reload = False
        self._interrupted = False
        self._notifier = Notifier()
        self._station = Station(common.load(), unsafe_fs=unsafe_fs)

    def run(self, once: bool) -> Tally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_reload)
        tally = Tally()
        while not self._interrupted:
            tally = self._work(once)
            if self._reload:
                self._replace()
            elif once:
                break  # else it was stopped by a signal for a reload that is over, and goes on
        self._notifier.stopping()
        self._station.close()
        return tally

    def _work(self, once: bool) -> Tally:
        """Until a signal; a signal from before, which stopped the station's forerunner, still counts."""
        if self._interrupted or self._reload:
            return Tally()
        self._station.engine.worker.on_tick = self._notifier.alive
        self._station.engine.worker.on_ready = self._ready
        return self._station.run(once=once)

    def _ready(self) -> None:
        world = self._station.engine.world
        log.info("watching %s", world.root.path)
        for stage in world.lifecycle.stages:
            if problem := world.hooks.problem(stage.name):
                log.error("%s can't run: %s", stage.name, problem)
        self._notifier.ready()

    def _replace(self) -> None:
        """Bad YAML on reload: the old configuration stays, and the fault is named."""
        self._reload = False
        self._notifier.reloading()
        try:
            fresh = Station(self._common.load(), unsafe_fs=self._unsafe_fs)
        except (EzrecError, StateMachineError, OSError) as error:
            report(error)
            log.error("the configuration was not taken: the old one stays in force")
            return
        self._station.close()
        self._station = fresh
        log.info("the configuration was read again")

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._interrupted = True
        self._station.engine.worker.stop()

    def _on_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._reload = True
        self._station.engine.worker.stop()
