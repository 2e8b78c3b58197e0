"""The pure core: reads a map and a request, says what should happen.

No sockets, clock, threads or randomness here except what is passed in; imports only itself, the
standard library, and ``rtcdn.model``, ``keys``, ``ids``, ``errors``. Whoever needs a patch to test a
rule has put the rule into the wrong room.
"""
