"""Starting one command as a process group of its own, tied to the life of its supervisor."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
from collections.abc import Mapping, Sequence

from ezrec.statemachine.runs import EX_TEMPFAIL, WORLD

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)
#: blocked from the fork until the child has its own handling: a TERM in between is not lost, and what
#: whoever started the daemon had ignored (`nohup`, `&` in a script) is not ignored by a hook
_DEFAULTED = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
#: what keeps a command from being executed just now, and passes by itself: no fault of the set-up
_PASSING = WORLD | {errno.ETXTBSY, errno.EAGAIN}


def become_subreaper() -> None:
    """Orphans below this process become its own children instead of init's."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def spawn(command: Sequence[str], environment: Mapping[str, str], stdin: bytes, output: int) -> int:
    """The pid of `command`, leader of a new process group, in the working directory of the caller.

    Both its stdout and stderr go to the descriptor `output`. What can't be executed ends with 127 (not
    there) or 126, what can't be just now with 75, and a sentence in its output. Dies when the caller dies.
    """
    given = _memory_file(stdin)
    parent = os.getpid()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _DEFAULTED)
    pid = os.fork()
    if pid == 0:
        _become(command, environment, given, output, parent)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    os.close(given)
    try:
        os.setpgid(pid, pid)
    except (PermissionError, ProcessLookupError):
        pass  # it has executed already, and has done it itself
    return pid


def _memory_file(data: bytes) -> int:
    fd = os.memfd_create("stdin", os.MFD_CLOEXEC)
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _become(
    command: Sequence[str], environment: Mapping[str, str], stdin: int, output: int, parent: int
) -> None:
    """In the child: never returns."""
    try:
        os.setpgid(0, 0)
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        for number in _DEFAULTED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for source, target in ((stdin, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        os.execve(command[0], list(command), dict(environment))
    except (OSError, ValueError) as error:
        code = _code(error)
        mark = "ezrec:note" if code == EX_TEMPFAIL else "ezrec:"
        os.write(2, f"{mark} can't run {command[0]}: {_reason(error)}\n".encode())
        os._exit(code)
    finally:
        os._exit(126)


def _code(error: OSError | ValueError) -> int:
    if isinstance(error, OSError) and error.errno in _PASSING:
        return EX_TEMPFAIL
    return 127 if isinstance(error, FileNotFoundError) else 126


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "it, or the interpreter in its first line, is not there"
    if isinstance(error, PermissionError):
        return "it is not executable (chmod +x)"
    return getattr(error, "strerror", None) or str(error)
