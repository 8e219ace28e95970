"""What is a server told when it starts?"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from plait.record.store import RecordStore, find_records

__all__ = ["LOOPBACK", "Settings"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Settings(Struct, frozen=True):
    """How a server answers, and whom.

    Args:
        start: the folder whose records are shown: those of the project around it, or of ``find_home``.
        home: the ``.plait`` folder, where the server keeps what its own runs print.
        root: the project's folder, or the one that holds ``.plait``.
        host: the address that it listens on; ``port`` as well.
        token: what every request must bring; none on loopback.
        hosts: names by which it may be called beside its own address.
        read_only: whether nothing can be changed.
        env: the environment of the conf that is shown first.
        static: the folder with the built interface.
    """

    start: Path
    home: Path
    root: Path
    host: str = "127.0.0.1"
    port: int = 0
    token: str | None = None
    hosts: tuple[str, ...] = ()
    read_only: bool = False
    env: str | None = None
    static: Path = Path(__file__).parent / "static"

    def open_store(self) -> RecordStore:
        """The records, on a connection of its own each time.

        Raises:
            RecordError: nothing is recorded there, or it cannot be used.
        """
        return find_records(self.start)
