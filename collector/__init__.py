"""The collector: reads one Janus and its host, writes that node's keys to the store under one lease.

``sample`` and ``view`` are pure: counters and events in, records out. ``probe``, ``listen`` and ``publish`` do the
I/O, ``collect`` ties them together. It reports what is; it never acts on a node and knows no intent.
"""
