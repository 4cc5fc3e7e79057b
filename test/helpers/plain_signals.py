"""Programs under test inherit which signals are ignored: none, also under nohup or in background.

A handler ends with `exec`, while an ignored signal stays ignored.
"""
import signal


def stop_ignoring():
    """Gives this process a handler where it was started to ignore SIGHUP or SIGINT."""
    for number, handler in ((signal.SIGHUP, lambda number, frame: None),
                            (signal.SIGINT, signal.default_int_handler)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)
