"""`python -m fairprune`."""

from fairprune.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
