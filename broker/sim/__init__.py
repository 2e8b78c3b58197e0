"""The simulator: the core's own decisions on a fake world in virtual time.

No second copy of any rule lives here: nodes are faked, decisions are not. Randomness and time are passed in.
"""
