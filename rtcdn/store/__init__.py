"""The store: what every part reads and writes about the whole.

``port`` says what a store is; ``memory`` is one for tests and the simulator, ``etcd`` is the real one and the only
file that imports the etcd client. Any failure of a store is ``StoreAway``; nothing here knows what a key means.
"""
