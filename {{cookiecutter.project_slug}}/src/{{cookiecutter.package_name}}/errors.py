"""The one way in which a command says no."""


class RefusedError(Exception):
    """What was asked for is not done: the message says why, and what to do about it."""
