"""`python -m amanuensis`."""

from amanuensis.cli import main

if __name__ == "__main__":
    main()
