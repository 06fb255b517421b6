"""`python -m windowseat` is the command `windowseat`. Nothing else lives here."""

from windowseat.entrypoints.cli import main

if __name__ == "__main__":
    main()
