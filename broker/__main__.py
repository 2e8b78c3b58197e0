"""``python3 -m broker``: one replica."""

from __future__ import annotations

import os
import sys

from broker import settings, wiring
from broker.serve import Server, WsgiApp
from broker.watch import spare_the_map
from rtcdn import log
from rtcdn.errors import ConfigError


def main() -> int:
    """Run until told to stop; 2 when the settings are wrong, all problems told."""
    try:
        read = settings.read(os.environ)
        log.configure(read.base.log_level)
        wiring.policies_of(read)  # what is wrong with them is told here, not by every worker
        made: list[wiring.Broker] = []

        def make() -> WsgiApp:
            spare_the_map()
            made.append(wiring.from_settings(read))
            made[0].start()
            return made[0].app

        def stop() -> None:
            for broker in made:
                broker.close()

        Server(read, make, stop).run()
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
