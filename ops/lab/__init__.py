"""``bin/rtcdn lab``: emulated regions, for people who develop roles.

Lives here: hosts as containers with engines of their own, ssh to them, and the long way between their regions. Never
here: what is deployed on them (``ansible/site.yml`` on ``inventories/lab``), or anything that a real host needs.
"""

from ops.lab.command import add_arguments, run

__all__ = ["add_arguments", "run"]
