"""How long a thread may keep a core before whoever wakes up has a turn, and who comes first.

The kernel's own threads end each write to the disk. Where this process keeps a core busy they would
wait for its slice to be over: measured, 3.5 ms instead of 0.35. A thread of a long slice is
interrupted by one of a shorter slice (Linux 6.12 or newer; elsewhere this does nothing). So the
server's are longer than the kernel's; not by much, or its own threads, and workers that look at
pictures, would keep each other waiting.
"""

import ctypes
import os
import platform
import struct
import sys
import threading
from contextlib import suppress
from typing import Final

# The kernel's own are 0.7 to 2.8 ms. Who runs is let run for the shortest slice of those that want
# the core: at 20 ms a receipt waited that long for a thread that looked for flags.
SERVER_NS: Final = 4_000_000
# Unix's own scale. One step is enough for the event loop to have a core at once, and more do harm:
# the loop waits for a thread that has the interpreter's lock, and that thread for whoever is before
# it. Ten steps, beside another process that computes, had the loop wait 30 ms for its turn; one has
# it wait 2, as none does.
BEHIND: Final = 1
_LAST: Final = 19

# sched_setattr(2), and its struct: size, policy, flags, nice, priority, runtime, deadline, period,
# and two bounds of utilisation.
_SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274}
_SCHED: Final = struct.Struct("<IIQiIQQQII")


def ask(slice_ns: int) -> None:
    """Ask for slices of this length. To be called before threads are made, which inherit it.

    Args:
        slice_ns: 100,000 to 100,000,000 nanoseconds.
    """
    number = _SCHED_SETATTR.get(platform.machine()) if sys.platform == "linux" else None
    if number is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    asked = _SCHED.pack(_SCHED.size, os.SCHED_OTHER, 0, nice, 0, slice_ns, 0, 0, 0, 0)
    # Not allowed here: it is slower, and that is all.
    ctypes.CDLL(None).syscall(number, 0, asked, 0)


def step_back() -> None:
    """Have this thread come behind the event loop where there is one core for both.

    Of two of one rank, who runs is let run to the end of its slice, whatever
    `sys.setswitchinterval` says, and a receipt waits for a commit, or for a look for flags.
    """
    if sys.platform != "linux":
        return  # elsewhere it would be the whole process
    thread = threading.get_native_id()
    with suppress(OSError):  # not allowed here: a receipt waits longer, and that is all
        now = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, min(now + BEHIND, _LAST))
