"""Start the command line; Ctrl-C while it still loads ends it without a traceback."""

import os
import signal


def main() -> None:
    """Load the commands and run the one that was asked for."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from digitdreams.cli import app

    signal.signal(signal.SIGINT, signal.default_int_handler)
    app()
