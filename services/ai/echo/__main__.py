"""``python3 -m services.ai.echo``."""

from __future__ import annotations

import sys

from services.ai.echo.echo import Echo
from services.ai.module import main

if __name__ == "__main__":
    sys.exit(main(Echo))
