"""The inner loops of composition as machine code: compiled once for a machine, by numba, in its own process.

A process that renders takes the code in and has neither numba nor LLVM in it, which are 130 MB and half a
second.
"""
