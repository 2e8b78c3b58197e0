"""Modules (kind AI): they get RTP of a session, and may be heard in it. ``module`` is what one is made of."""
