"""ai-program: promises of the strategy workshop, enforced on every commit."""

__version__ = "0.1.0"
