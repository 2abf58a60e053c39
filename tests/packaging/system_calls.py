"""Runs a program with system calls filtered as a unit asks for it.

system_calls.py FILE PROGRAM [ARGUMENT...]

FILE has one name of an allowed call a line. Sockets are allowed for the address
families AF_UNIX, AF_INET and AF_INET6 alone. All else fails with EPERM.
"""

import ctypes
import errno
import os
import socket
import sys

ALLOW = 0x7FFF0000
FAIL = 0x00050000 | errno.EPERM
EQUAL = 4


class Comparison(ctypes.Structure):
    _fields_ = [
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("value", ctypes.c_uint64),
        ("other", ctypes.c_uint64),
    ]


def main(path, program, *arguments):
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(FAIL))
    with open(path, encoding="ascii") as file:
        names = file.read().split()
    for name in names:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        # A call of another architecture, or of a newer kernel.
        if number == -1 or name == "socket":
            continue
        seccomp.seccomp_rule_add(context, ALLOW, number, 0)
    number = seccomp.seccomp_syscall_resolve_name(b"socket")
    for family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6):
        comparison = Comparison(0, EQUAL, family, 0)
        seccomp.seccomp_rule_add_array(
            context, ALLOW, number, 1, ctypes.byref(comparison)
        )
    if seccomp.seccomp_load(context) != 0:
        sys.exit("the kernel takes no filter")
    os.execv(program, [program, *arguments])


main(*sys.argv[1:])
