"""`python -m tests.process.unclaimed ROOT`: a daemon that takes no notice of others on its root.

It stands for one on another host, or for an old one: what is left to keep them apart are the leases.
"""

from __future__ import annotations

import logging
import sys

from ezrec.config import load
from ezrec.describe import Describer
from ezrec.lifecycle import lifecycle_for
from ezrec.scene import RESERVED, hook_directories, root_of, setup_of
from ezrec.statemachine.engine import Engine
from ezrec.verify import verify


class Unclaimed(Engine):
    """An Engine without the lock on its root."""

    def _claim(self) -> None:
        """Whoever else is there."""


def main(root: str) -> None:
    """Until it is killed."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = load(None, {"root": root}, {})
    engine = Unclaimed(
        root_of(config),
        lifecycle_for(config),
        hook_directories(config),
        settle=config.settle,
        scan_every=config.scan_every,
        describe=Describer(config),
        verify=verify,
        setup=setup_of(config),
        reserved=RESERVED,
    )
    engine.worker.on_ready = lambda: print("ready", file=sys.stderr, flush=True)
    engine.run()


if __name__ == "__main__":
    main(sys.argv[1])
