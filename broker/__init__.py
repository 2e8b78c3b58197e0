"""The broker: the only part that knows the whole topology.

``core`` decides and is pure; the modules here are its shell: they watch the store, commit intent, act on nodes, talk
to gateways, and answer HTTP. Nothing here chooses a node. No state of its own outlives the process.
"""
