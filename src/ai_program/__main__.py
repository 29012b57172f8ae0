"""Lets ``python -m ai_program`` stand for ``ai-program``."""

from ai_program.cli import main

if __name__ == "__main__":
    main()
