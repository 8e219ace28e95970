"""Conf and data of a catalog of N entries: small CSV files, two datasets of every entry's kind in factories."""

from pathlib import Path


def write(files):
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def data(n):
    return {f"data/entry_{at}.csv": "tail,seats\nN14228,149\nN24211,178\n" for at in range(n)}


def catalog(n, kind):
    """As it is written by hand: an entry each, and the factories that a project of that size has."""
    entries = [f"entry_{at}:\n  type: {kind}\n  filepath: data/entry_{at}.csv\n" for at in range(n)]
    factories = [
        f'"{{name}}_{word}":\n  type: {kind}\n  filepath: data/{word}/{{name}}.csv\n'
        for word in ("raw", "clean", "scored")
    ]
    return "".join([*entries, *factories])
