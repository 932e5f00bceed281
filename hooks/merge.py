#!/usr/bin/env python3
"""The stage `merge`: one video, merged.mp4, out of the cameras' footage.

Copy it to your own hooks directory to do more before or after; the contract is in docs/hooks.md.
"""

from ezrec.hook import run_hook
from ezrec.merge import merge_recording

run_hook(merge_recording)
