# SPDX-License-Identifier: GPL-3.0-or-later
"""Shuts a background Blender in, from inside, before it opens a stranger's file: so much address space, no network, no
programs. There is no way back, also for the programs' children. Imports no bpy.

What holds where: on Linux all of it, held by the kernel (x86-64 and ARM; elsewhere only the memory). On macOS and
Windows whoever starts the program bounds it, see `program.py` and `group.py`.
"""

import ctypes
import errno
import os
import platform
import random
import struct
import sys

from .bounds import MOST_THREADS
from .environment import MEMORY

ALLOW = 0x7FFF0000  # SECCOMP_RET_ALLOW
REFUSE = 0x00050000 | errno.EPERM  # SECCOMP_RET_ERRNO: the call fails, the program goes on

SYSTEMS = {
    "x86_64": (
        0xC000003E,  # AUDIT_ARCH_X86_64
        317,  # seccomp
        {
            "socket": 41,
            "execve": 59,
            "ptrace": 101,
            "setpgid": 109,
            "setsid": 112,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "execveat": 322,
            "io_uring_setup": 425,
            "pidfd_getfd": 438,
        },
    ),
    "aarch64": (
        0xC00000B7,  # AUDIT_ARCH_AARCH64
        277,
        {
            "ptrace": 117,
            "setpgid": 154,
            "setsid": 157,
            "socket": 198,
            "execve": 221,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "execveat": 281,
            "io_uring_setup": 425,
            "pidfd_getfd": 438,
        },
    ),
}
"""By machine: its number for the kernel, that of the call seccomp, and those of the calls that are refused. Sources:
linux/audit.h, asm/unistd_64.h, asm-generic/unistd.h.

Refused are sockets of every kind, as those of this machine, too, lead to who starts programs or has a network (D-Bus);
io_uring, which makes sockets behind seccomp's back; other programs; the memory of other processes; and leaving the
group that is ended with the program.
"""

X32 = 0x40000000  # bit of a number: the same calls under other numbers (asm/unistd.h, __X32_SYSCALL_BIT)

NO_NEW_PRIVILEGES = 38  # prctl(2), PR_SET_NO_NEW_PRIVS: whoever may not have more may shut himself in
FILTER = 1  # SECCOMP_SET_MODE_FILTER
ALL_THREADS, AS_QUICK = 1, 4
"""SECCOMP_FILTER_FLAG_TSYNC: Blender has threads already. SECCOMP_FILTER_FLAG_SPEC_ALLOW: kernels before 5.16 slow
processes with a filter down otherwise."""


def close() -> None:
    """Shut this process in. What the system refuses is printed, and the program goes on without."""
    if sys.platform == "linux":
        _bound_memory(int(os.environ.get(MEMORY, "0")))
        trouble = _refuse_calls()
        if trouble:
            print(f"The network is not shut off for this program: {trouble}.", file=sys.stderr, flush=True)


def _bound_memory(most_bytes: int) -> None:
    """Have the system refuse this process more than so much address space; 0 is no bound."""
    if sys.platform == "linux" and most_bytes:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        # The bpy module has no --threads, and makes as many as there are cores for it.
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > MOST_THREADS and "bpy" not in sys.modules:
            os.sched_setaffinity(0, random.sample(cores, MOST_THREADS))


def _refuse_calls() -> str:
    """Have the kernel refuse this process what `SYSTEMS` lists; return why it does not, "" where it does."""
    machine = platform.machine()
    if machine not in SYSTEMS:
        return f"no list of system calls for {machine}"
    number, seccomp, refused = SYSTEMS[machine]
    content = _filter(number, sorted(refused.values()))
    system = ctypes.CDLL(None, use_errno=True)
    system.syscall.restype = ctypes.c_long
    code = ctypes.create_string_buffer(content, len(content))
    # struct sock_fprog: how many instructions, and where they are
    given = ctypes.create_string_buffer(struct.pack("HP", len(content) // INSTRUCTION.size, ctypes.addressof(code)))
    if system.prctl(NO_NEW_PRIVILEGES, *map(ctypes.c_ulong, (1, 0, 0, 0))):
        return os.strerror(ctypes.get_errno())
    for flags in (ALL_THREADS | AS_QUICK, ALL_THREADS):
        if system.syscall(*map(ctypes.c_long, (seccomp, FILTER, flags)), given) == 0:
            return ""
    return os.strerror(ctypes.get_errno()) or "the kernel could not reach every thread"


INSTRUCTION = struct.Struct("HBBI")
"""struct sock_filter (linux/filter.h): code, how many to skip where it is true, and where not, value."""
LOAD, RETURN, IF_EQUAL, IF_AT_LEAST = 0x20, 0x06, 0x15, 0x35
"""BPF_LD | BPF_W | BPF_ABS, BPF_RET | BPF_K, BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JGE | BPF_K."""
CALL, MACHINE = 0, 4
"""Where they stand in struct seccomp_data (linux/seccomp.h)."""


def _filter(machine: int, refused: list[int]) -> bytes:
    """The instructions that refuse these calls, and all of another kind of machine (32 bits)."""
    end = len(refused) + 1  # the instruction that refuses follows the one that allows
    steps = [(LOAD, 0, 0, MACHINE), (IF_EQUAL, 0, end + 2, machine), (LOAD, 0, 0, CALL), (IF_AT_LEAST, end, 0, X32)]
    steps += [(IF_EQUAL, len(refused) - place, 0, call) for place, call in enumerate(refused)]
    steps += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    return b"".join(INSTRUCTION.pack(*step) for step in steps)
