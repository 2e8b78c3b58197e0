"""``python -m ops``: what ``bin/rtcdn`` runs."""

from ops.cli import main

raise SystemExit(main())
