"""The server of the benchmarks: answers from constants, in a process of its own."""
