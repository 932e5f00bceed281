#!/usr/bin/env python3
"""The stage `capture`: record with the configured cameras until the time is over, or SIGTERM.

Copy it to your own hooks directory to do more before or after; the contract is in docs/hooks.md.
"""

from ezrec.capture import capture_recording
from ezrec.hook import run_hook

run_hook(capture_recording)
