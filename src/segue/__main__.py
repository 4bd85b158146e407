"""`python -m segue`: the program, where its script is not on the path."""

from segue.cli import main

if __name__ == "__main__":
    main()
