"""The module that ``words.py`` brings along."""


def split(line: str) -> list[str]:
    """Returns the words of a line."""
    return line.split()
