"""Mail servers that cannot be installed beside Postfix: unpacked from their Debian packages.

They are fetched once into build/peers/ and run from there, in a mount namespace that gives them
the users and the directories that their installation would have made. Nothing of it is seen
outside, and it ends with the process.
"""

import fcntl
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

from siding_lab import ROOT, Lab, Skip, program

FIRST_UID = 61000  # nobody's on Debian (Policy §9.2.2)


def unpack(name: str, packages: list[str]) -> pathlib.Path:
    """The directory with what these packages bring."""
    peers = pathlib.Path(os.environ.get("SIDING_PEERS", ROOT / "build/peers"))
    root = peers / name
    peers.mkdir(parents=True, exist_ok=True)
    with (peers / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            _fetch(packages, root)
    return root


def _fetch(packages: list[str], root: pathlib.Path) -> None:
    for tool in ("apt-get", "dpkg"):
        if not shutil.which(tool):
            raise Skip(f"{root.name} comes from Debian's packages, and there is no {tool}")
    with tempfile.TemporaryDirectory(dir=root.parent) as made:
        files = pathlib.Path(made) / "files"
        files.mkdir()
        if not _download(packages, made):
            subprocess.run(["apt-get", "update", "-q"], capture_output=True, check=False)
            if not _download(packages, made):
                raise Skip(f"{' '.join(packages)}: cannot be downloaded")
        for package in sorted(pathlib.Path(made).glob("*.deb")):
            subprocess.run(["dpkg", "-x", str(package), str(files)], check=True)
        files.rename(root)


def _download(packages: list[str], to: str) -> bool:
    done = subprocess.run(
        ["apt-get", "download", "-q", *packages], cwd=to, capture_output=True, check=False
    )
    return done.returncode == 0 and len(list(pathlib.Path(to).glob("*.deb"))) == len(packages)


class Peer:
    """One unpacked package as a test runs it. `users` are what its postinst would have added.

    `instance` names its directory when there are several. With `in_place` the packages' /usr lies
    over the machine's, for programs that look for their parts where they were built to be.
    """

    def __init__(
        self, lab: Lab, name: str, packages: list[str], users: list[str],
        instance: str = "", in_place: bool = False,
    ):  # fmt: skip
        self.lab = lab
        self.in_place = in_place
        self.directory = lab.directory / (instance or name)
        self.directory.mkdir()
        self.root = unpack(name, packages)
        if os.geteuid() != 0 or lab.run("unshare", "--mount", "true").code != 0:
            raise Skip(f"{name} runs in a mount namespace, and this process may not make one")
        self.mounts: list[tuple[pathlib.Path, str]] = []
        self._add_users(users)
        self._add_libraries()

    def _add_users(self, users: list[str]) -> None:
        lines_of = {"passwd": "x:{id}:{id}::/nonexistent:/bin/false", "group": "x:{id}:"}
        for file, rest in lines_of.items():
            lines = pathlib.Path("/etc", file).read_text()
            for number, user in enumerate(users, FIRST_UID):
                lines += f"{user}:{rest.format(id=number)}\n"
            (self.directory / file).write_text(lines)
            self.mounts.append((self.directory / file, f"/etc/{file}"))

    def _add_libraries(self) -> None:
        """By the loader's cache: programs that change their user do not look at LD_LIBRARY_PATH."""
        conf, cache = self.directory / "ld.so.conf", self.directory / "ld.so.cache"
        folders = sorted(map(str, self.root.glob("usr/lib/*-linux-gnu")))
        conf.write_text("\n".join([*folders, "include /etc/ld.so.conf"]) + "\n")
        ldconfig = program("ldconfig")
        done = self.lab.run(ldconfig, "-X", "-C", str(cache), "-f", str(conf))
        assert done.code == 0, done.err
        self.mounts.append((cache, "/etc/ld.so.cache"))

    def mount(self, source: pathlib.Path, where: str) -> None:
        """What it finds at `where`; `source` is a file or a directory of the test's."""
        self.mounts.append((source, where))

    def command(self, path: str, *arguments: str) -> list[str]:
        """A program of the package; the process becomes it, so signals reach it."""
        binds = [f"mount --bind {shlex.quote(str(s))} {shlex.quote(w)}" for s, w in self.mounts]
        if self.in_place:
            layers = shlex.quote(f"lowerdir={self.root / 'usr'}:/usr")
            binds.insert(0, f"mount -t overlay overlay -o {layers} /usr")
        script = " && ".join([*binds, 'exec "$@"'])
        unshare = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
        where = pathlib.Path("/") if self.in_place else self.root
        return [*unshare, str(where / path), *arguments]
