"""Recording with cameras. For now there is one backend, `synthetic`: cameras made by ffmpeg."""

from ezrec.capture.session import capture_recording

__all__ = ["capture_recording"]
