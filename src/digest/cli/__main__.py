"""`python -m digest.cli`."""

from digest.cli import main

if __name__ == "__main__":
    main()
