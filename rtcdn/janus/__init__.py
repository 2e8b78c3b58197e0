"""How rtcdn talks to a Janus node.

``protocol`` and ``plugins`` know what is said and open no socket; ``admin``, ``rest`` and ``ws`` carry it;
``operations`` are the smallest useful acts on one node. No policy lives here: nothing chooses a node, a slot or a
role. Only ``ws`` imports websockets.
"""
