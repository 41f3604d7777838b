"""A PostgreSQL server of the tests' own: Debian's programs, a temporary folder, the loopback address, gone afterwards."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from fairprune.store import open_store
from fairprune.store.tables import metadata

REQUIRED = "FAIRPRUNE_TEST_POSTGRESQL"
"""Set where a missing PostgreSQL is a failure and no reason to skip."""
_numbers = itertools.count(1)


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, the newest there is; None: PostgreSQL is not installed."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4].split(".")[0])
    )
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return Path(path).parent if path else None


class Server:
    """A running server. `stop` and `start` may follow each other."""

    def __init__(self, durable: bool = False) -> None:
        """Args: durable: whether commits reach the disk. The tests need not wait for that."""
        bin_folder = programs()
        assert bin_folder is not None, "PostgreSQL is not installed: apt-get install postgresql"
        self._bin = bin_folder
        # Not below pytest's folder: the path of a socket may have 107 characters at most.
        self.folder = Path(tempfile.mkdtemp(prefix="fairprune-pg-"))
        # The server refuses to be root.
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self.password = secrets.token_hex(8)
        password_file = self.folder / "password"
        password_file.write_text(self.password)
        if self._as:
            for path in (self.folder, password_file):
                shutil.chown(path, "postgres", "postgres")
        self._run(
            "initdb",
            *("-D", str(self.folder / "data"), "-U", "tester", "--auth=scram-sha-256"),
            *(f"--pwfile={password_file}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._options = (
            f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder} -c max_connections=120"
        )
        if not durable:
            self._options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        self.start()
        self._used: str | None = None

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._bin / program), *arguments]
        done = subprocess.run(
            command, check=False, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Returns when it answers."""
        log = self.folder / "log"
        command = [*self._as, str(self._bin / "pg_ctl"), "-D", str(self.folder / "data"), "-w", "-t", "60"]
        # Its output goes to a file: a pipe would be held open by the server, and never end.
        done = subprocess.run(
            [*command, "-l", str(log), "-o", self._options, "start"],
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert done.returncode == 0, log.read_text() if log.exists() else "pg_ctl did not start the server"

    def stop(self, mode: str = "fast") -> None:
        """Ends it: 'fast' in order, 'immediate' as if it had crashed."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "stop")

    def remove(self) -> None:
        with contextlib.suppress(AssertionError):
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def address(self, database: str) -> str:
        return f"postgresql+psycopg://tester:{self.password}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="tester",
            password=self.password,
            dbname=database,
            autocommit=True,
        ) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    @contextlib.contextmanager
    def new_database(self) -> Iterator[str]:
        """The address of a database without any table."""
        name = f"test{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.address(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def empty_database(self) -> str:
        """The address of a database with the store's tables and nothing in them: one and the same, emptied each time."""
        if self._used is None:
            self._used = "used"
            self.execute(f"CREATE DATABASE {self._used}")
            open_store(self.address(self._used)).close()
        names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
        self.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE", self._used)
        return self.address(self._used)


@contextlib.contextmanager
def server(durable: bool = False) -> Iterator[Server]:
    made = Server(durable)
    try:
        yield made
    finally:
        made.remove()
