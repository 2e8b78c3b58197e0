"""The shared room: what broker, collector, gateway and ops all speak.

Here live records, key names, errors, tokens, the store and the Janus clients. Nothing here decides
where anybody goes, and nothing here imports a room outside this one.
"""
