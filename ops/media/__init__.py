"""Media made here: a picture with a clock, a tone, and the client that publishes or watches them.

Only the synthetic speaker and tests use this; it needs the extra `media`. It knows WHIP and WHEP, and nothing of Janus.
"""
