"""By which names settings are called outside of `ezrec.yaml`, and what its sections are called. Pure.

These few tell whether a station says anything at all, before the table of all settings is needed.
"""

from __future__ import annotations

PREFIX = "EZREC_"
#: where the file is, and the root
FILE, ROOT = "EZREC_CONFIG", "EZREC_ROOT"
#: the headings of the file
SECTIONS = ("hooks", "capture", "merge", "upload", "stages")
#: setting -> the names that the original system used for it
ORIGINAL = {
    "user_id": ("USER_ID",),
    "cameras": ("DUAL_CAMERA_MODE",),
    "cameras[].name": ("CAMERA_0_NAME", "CAMERA_1_NAME"),
    "cameras[].serial": ("CAMERA_0_SERIAL", "CAMERA_1_SERIAL"),
    "capture.size": ("RESOLUTION",),
    "capture.rate": ("RECORDING_FPS",),
    "merge.layout": ("MERGE_METHOD",),
}
