"""The client API without I/O: one WebSocket per client, JSON messages, every participant's state and what follows.

``requests`` and ``events`` are the messages (docs/client-api.md and its JSON schema are made from them);
``conversation``, ``layers`` and ``home`` decide, other files of ``gateway`` perform. Nothing here opens a socket,
reads a clock or knows Janus: time is passed in, and no message names a node, plugin, room or mountpoint.
"""
