"""Whether a stage's outputs are what they claim to be: cheap checks, before a state is claimed."""

from __future__ import annotations

from ezrec.lifecycle import MERGED_VIDEO


def verify(stage: str, fd: int) -> str:
    """What is wrong with the outputs of `stage` in the recording `fd`; empty where they are whole."""
    if stage == "merge":
        from ezrec.media.boxes import check_mp4
        from ezrec.statemachine import files

        with files.open_plain(fd, MERGED_VIDEO, 0) as video:
            trouble = check_mp4(video)
        return f"{MERGED_VIDEO} is no sound video: {trouble}" if trouble else ""
    if stage == "upload":
        from ezrec.receipt import check_receipt

        return check_receipt(fd) or ""
    return ""
