#!/usr/bin/env python3
"""The Debian package installs, is removed and purged without a trace but for
the ledger, which outlives even a purge.

Method: cpack makes it; dpkg installs it below a scratch root, with the
maintainer scripts run as they are and told so by DPKG_ROOT. All of it under
fakeroot, so that it needs no right and touches nothing of the machine's.

usage: package.py BUILD PROGRAM...   (the programs that the build has)
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import expected

LEDGER = "var/lib/depot/store/data.mdb"
# Depends on what the machine has: not on a scratch root, which has nothing.
DPKG = ["--force-not-root", "--force-depends", "--force-script-chrootless",
        "--log=/dev/null"]


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout + done.stderr


def make(build, folder):
    run("cpack", "--config", f"{build}/CPackConfig.cmake", "-G", "DEB",
        "-B", folder)
    packages = list(folder.glob("*.deb"))
    assert len(packages) == 1, packages
    return packages[0]


def check_control(package, programs):
    assert run("dpkg-deb", "-f", package, "Package").strip() == "depot"
    depends = run("dpkg-deb", "-f", package, "Depends")
    wanted = ["tzdata"] + (["libc6", "liblmdb0", "libsodium23",
                            "libpaho-mqtt1.3"] if "depotd" in programs else [])
    for name in wanted:
        assert name in depends, (name, depends)
    listed = run("dpkg-deb", "-c", package).splitlines()
    assert all(" root/root " in line for line in listed), listed
    run("dpkg-deb", "-I", package, "postinst")
    assert run("dpkg-deb", "-I", package, "conffiles") == (
        "/etc/depot/depot.conf\n")


def dpkg(root, *words):
    return run("fakeroot", "dpkg", f"--root={root}", *DPKG, *words)


def root_make(root):
    for name in ("info", "updates", "triggers"):
        (root / "var/lib/dpkg" / name).mkdir(parents=True)
    for name in ("status", "available"):
        (root / "var/lib/dpkg" / name).touch()
    (root / "etc").mkdir()
    (root / "etc/passwd").touch()
    (root / "etc/group").touch()


def ours(root):
    """What is below @root besides dpkg's own and the accounts' files."""
    return {f"/{p.relative_to(root)}" for p in root.rglob("*")
            if "var/lib/dpkg" not in str(p) and p.is_file()
            and not p.name.startswith(("passwd", "group", "shadow", "gshadow",
                                       ".pwd.lock"))}


def live(package, root, programs):
    root_make(root)
    dpkg(root, "-i", package)
    wanted = {line.split()[1] for line in expected.expected(programs)}
    assert {p for p in wanted if (root / p[1:]).is_file()} == ours(root)
    accounts = (root / "etc/passwd").read_text("utf-8")
    assert accounts.startswith("depot:"), accounts
    assert (root / "var/lib/depot").is_dir()
    assert (root / "run/depot").is_dir()

    (root / "etc/depot/depot.conf").write_text("# mine\n", "utf-8")
    dpkg(root, "--force-confold", "-i", package)
    assert (root / "etc/depot/depot.conf").read_text("utf-8") == "# mine\n"

    dpkg(root, "-r", "depot")
    assert ours(root) == {"/etc/depot/depot.conf"}, ours(root)


def life_ends_without_a_trace(package, root, programs):
    live(package, root, programs)
    dpkg(root, "-P", "depot")
    assert not ours(root), ours(root)
    for folder in ("var/lib/depot", "run/depot", "etc/depot",
                   "usr/share/doc/depot"):
        assert not (root / folder).exists(), folder


def a_ledger_outlives_a_purge(package, root, programs):
    live(package, root, programs)
    (root / LEDGER).parent.mkdir()
    (root / LEDGER).write_text("a year of movements", "utf-8")
    assert "is kept" in dpkg(root, "-P", "depot")
    assert ours(root) == {f"/{LEDGER}"}, ours(root)


def main():
    build, programs = sys.argv[1], sys.argv[2:]
    os.umask(0o022)
    # dpkg looks for the daemon starters there, also for an ordinary user.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        package = make(build, folder / "made")
        check_control(package, programs)
        life_ends_without_a_trace(package, folder / "one", programs)
        a_ledger_outlives_a_purge(package, folder / "two", programs)
        print(f"{package.name}: {package.stat().st_size} bytes, installed, "
              "upgraded, removed and purged twice")
        shutil.rmtree(folder / "made")
    return 0


if __name__ == "__main__":
    sys.exit(main())
