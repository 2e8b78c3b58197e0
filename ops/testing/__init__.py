"""What ``bin/rtcdn test`` is made of: an engine, images, stages, their counts, and the sweep at the end.

Lives here: how tests are started and counted. Never here: a test, or anything that ``up`` needs.
Everything started carries the label ``rtcdn.test=<run>``; the sweep removes by that label and nothing else.
"""
