"""A real PostgreSQL server in a temporary folder, from the machine's own packages."""

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

PACKAGES = Path("/usr/lib/postgresql")


def binaries() -> Path | None:
    """Finds the folder of the newest server installed; None without one."""
    # By number: as text, 9 would be newer than 18.
    folders = sorted(PACKAGES.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if folders:
        return folders[-1].parent
    found = shutil.which("initdb")
    return Path(found).parent if found else None


class PostgresServer:
    """A server on 127.0.0.1, made and stopped here.

    PostgreSQL refuses to run as root, so it runs as another user.
    """

    def __init__(
        self,
        folder: Path,
        *,
        fsync: bool = True,
        of: "PostgresServer | None" = None,
        port: int = 0,
    ) -> None:
        """Makes a cluster with the superuser `router`, and starts it.

        Args:
            folder: of the server's programs.
            fsync: whether it outlives a crash of the machine.
            of: a server whose standby this one becomes; None makes one that stands alone.
            port: its port; 0 takes a free one.
        """
        self._binaries = folder
        self._folder = Path(tempfile.mkdtemp(prefix="router-pg-"))
        self._account = _account()
        if self._account is not None:
            os.chown(self._folder, self._account.pw_uid, self._account.pw_gid)
        self._data = self._folder / "data"
        # Without it a crash of the machine, which no test makes, could lose what was written.
        durable = "on" if fsync else "off"
        self._options = f"-c fsync={durable} -c unix_socket_directories='' -c shared_buffers=32MB"
        self.port = port
        try:
            if of is None:
                how = ["-U", "router", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
                self._run("initdb", "-D", self._data, *how)
            else:
                self._run("pg_basebackup", "-D", self._data, "-d", of.url, "-R", "-c", "fast")
            self.start()
        # Also when interrupted: nobody else would remove the folder.
        except BaseException:
            shutil.rmtree(self._folder)
            raise

    @property
    def url(self) -> str:
        return f"postgresql://router@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Starts it, on the port it had before; it then accepts connections."""
        self.port = self.port or _free_port()
        options = f"{self._options} -c listen_addresses=127.0.0.1 -c port={self.port}"
        where: list[str | Path] = ["-D", self._data, "-l", self._folder / "log"]
        self._run("pg_ctl", "start", "-w", "-t", "60", *where, "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """Stops it; `immediate` is a crash: it recovers from its log at the next start."""
        self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", self._data)

    def postmaster(self) -> int:
        """Reads the process id of the server."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def promote(self) -> None:
        """Makes a standby the one that is written to."""
        self._run("pg_ctl", "promote", "-w", "-D", self._data)

    def remove(self) -> None:
        """Stops it and removes what it kept."""
        if (self._data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder)

    def _run(self, program: str, *words: str | Path) -> None:
        log = self._folder / "commands"
        with log.open("ab") as out:
            done = subprocess.run(
                [*self._as_account(), self._binaries / program, *words],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"{program}: {log.read_text()[-2000:]}")

    def _as_account(self) -> list[str]:
        """Gives the command that changes the user.

        To change it itself, subprocess forks, which gRPC's threads do not survive.
        """
        if self._account is None:
            return []
        return [
            "setpriv",
            f"--reuid={self._account.pw_uid}",
            f"--regid={self._account.pw_gid}",
            "--clear-groups",
        ]


def a_server(*, fsync: bool) -> PostgresServer:
    """Starts a new server.

    Its test is skipped without the binaries, unless ROUTER_REQUIRE_TOOLS is set.
    """
    folder = binaries()
    if folder is None:
        end = pytest.fail if os.environ.get("ROUTER_REQUIRE_TOOLS") else pytest.skip
        end("PostgreSQL is not installed")
    return PostgresServer(folder, fsync=fsync)


def _account() -> pwd.struct_passwd | None:
    """Finds another user for root to run the server as; None for anybody else."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _free_port() -> int:
    """Finds a port below those that the system gives to clients.

    One of them could take it while the server is stopped.
    """
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
