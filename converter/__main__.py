"""python -m converter: the same as `convert`."""

from converter.cli import main

if __name__ == "__main__":
    main()
