"""The gateway: what clients speak to. WHIP and WHEP outside, Janus handles and the broker inside.

``sdp`` and ``protocol`` are pure; ``legs`` drives Janus, ``broker_client`` and ``orders`` speak with the broker, and
``api`` with clients. It owns no placement rule: where anybody goes is the broker's answer. It imports ``rtcdn`` only.
"""
