"""Benchmarks: each file has ``run() -> list[dict]``, measures ours and a peer in the same run, and asserts nothing.

Lives here: measuring. Never here: a rule of the product, or a copy of one. ``ops/bench.py`` prints and keeps the rows.
"""
