# SPDX-License-Identifier: MIT
"""ctypes: libc and libm calls, structures, callbacks, qsort."""
import ctypes
import ctypes.util


class Pair(ctypes.Structure):
    _fields_ = [("key", ctypes.c_int32), ("value", ctypes.c_double)]


def main():
    libc = ctypes.CDLL(None)
    libm = ctypes.CDLL("libm.so.6")
    libm.cos.restype, libm.cos.argtypes = ctypes.c_double, [ctypes.c_double]
    compare_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
    numbers = (ctypes.c_int * 6)(5, 3, 9, -1, 0, 7)
    libc.qsort(numbers, len(numbers), ctypes.sizeof(ctypes.c_int), compare_type(lambda a, b: a[0] - b[0]))
    buffer = ctypes.create_string_buffer(32)
    libc.snprintf(buffer, 32, b"%05d|%s", 42, b"text")
    pairs = (Pair * 2)(Pair(1, 0.5), Pair(2, 1.5))
    print(buffer.value.decode())
    return {"sorted": list(numbers), "cos": libm.cos(0.0), "strlen": libc.strlen(b"hello"),
            "sum": sum(p.key * p.value for p in pairs), "size": ctypes.sizeof(Pair), "abs": libc.abs(-5)}
