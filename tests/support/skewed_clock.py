"""A process whose wall clock is off, as on a machine without a time server.

`skew` puts a few instructions of its own in the place of the C library's `clock_gettime`, for this
process alone. All that asks for the wall clock by it gets the wrong time: Python, and the core of
Temporal's SDK, which a patched `time.time` would leave out. Monotonic clocks stay right, as they
do on such a machine; so does `time`, by which certificates are checked.

Linux on x86-64 only. libfaketime does the same, but is not on every machine that runs the tests.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
import sys
import time

VARIABLE = "CLOCK_SKEW_SECONDS"
SUPPORTED = sys.platform == "linux" and platform.machine() == "x86_64"

_READ_WRITE_EXECUTE = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC


def skew(seconds: int) -> None:
    """Let the wall clock of this process differ by so many seconds from now on."""
    if seconds == 0:
        return
    before = time.time_ns() - time.monotonic_ns()
    libc = ctypes.CDLL(None)
    there = ctypes.cast(libc.clock_gettime, ctypes.c_void_p).value
    assert there is not None
    patch = _instructions(seconds)
    first = there - there % mmap.PAGESIZE
    length = there + len(patch) - first
    mprotect = libc.mprotect
    mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    assert mprotect(first, length, _READ_WRITE_EXECUTE) == 0, "the C library cannot be changed"
    ctypes.memmove(there, patch, len(patch))
    off = (time.time_ns() - time.monotonic_ns() - before) / 1e9
    assert abs(off - seconds) < 1, f"the clock is off by {off:g} s, not by {seconds} s"


def _instructions(seconds: int) -> bytes:
    """`clock_gettime(clock, at)`: ask the kernel, and add to the seconds of CLOCK_REALTIME."""
    add = b"\x48\x81\x06" + seconds.to_bytes(4, "little", signed=True)  # add [rsi], seconds
    return b"".join(
        (
            b"\xb8\xe4\x00\x00\x00",  # mov eax, 228 (clock_gettime)
            b"\x0f\x05",  # syscall
            b"\x85\xff",  # test edi, edi (0 is CLOCK_REALTIME)
            b"\x75" + bytes([len(add)]),  # jne to the end
            add,
            b"\xc3",  # ret
        )
    )
