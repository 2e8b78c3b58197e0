"""Scenarios: the shape of a session, one module each.

A scenario says which contexts a session needs, where a leg is placed and which links follow; it works on a
``Draft`` and knows no plugin request, key name or socket.
"""
