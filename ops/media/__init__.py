"""The WHIP and WHEP client of the synthetic speaker and of tests; it needs the extra `media`.

It knows WHIP and WHEP, and nothing of Janus. What it shows and sings is made in ``rtcdn.client``.
"""
