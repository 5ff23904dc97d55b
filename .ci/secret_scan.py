"""Looks for secrets in everything that is or would be committed: ``python .ci/secret_scan.py``; it needs no network.

What stands in ``.ci/known_secrets.json`` was looked at by a person and found to be none: public demo values, test
vectors, hashes. Exits with 1 for whatever else looks like a secret. ``--renew`` writes the list anew; look at what it
adds before you commit it.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import default_settings

KNOWN = Path(__file__).with_name("known_secrets.json")
# Files that hold no words of ours: pictures, weights, word lists, labelled sentences and the hashes of locks.
NOT_READ = re.compile(r"\.(png|svg|npz|jsonl|tsv)$|^requirements[\w-]*\.txt$|/data/.*\.txt$|^\.ci/known_secrets\.json$")


def committed(folder: Path) -> list[str]:
    """The files of ``folder`` that git has or would take, as far as they are read."""
    listed = subprocess.run(
        ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),  # noqa: S607
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name for name in listed.stdout.split("\0") if name and not NOT_READ.search(name)]
    return [name for name in names if (folder / name).is_file()]


def found_in(folder: Path, names: Sequence[str]) -> dict[tuple[str, str, str], int]:
    """What looks like a secret: the line by file, kind and SHA-1, for a list of secrets must not hold them.

    Nothing is asked of a network: a library that tries whether a secret works would send it away.
    """
    secrets = SecretsCollection(root=str(folder))
    with default_settings():
        secrets.scan_files(*names, num_processors=os.cpu_count() or 1)
    return {(name, one.type, one.secret_hash): one.line_number for name, one in secrets}


def judge(folder: Path, names: Sequence[str], known_file: Path, *, renew: bool) -> int:
    """The exit code: 1 when something is found that ``known_file`` does not list."""
    found = found_in(folder, names)
    if renew:
        listed = ",\n".join(json.dumps(key) for key in sorted(found))
        known_file.write_text(f"[\n{listed}\n]\n", encoding="utf-8")
        return 0
    known = {tuple(key) for key in json.loads(known_file.read_text(encoding="utf-8"))}
    new = sorted(found.keys() - known)
    lines = [f"{key[0]}:{found[key]}: looks like a secret ({key[1]})" for key in new]
    if lines:
        lines.append(
            "take it out and change it where it is in use; if it is none: .venv/bin/python .ci/secret_scan.py --renew"
        )
        sys.stdout.write("\n".join(lines) + "\n")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(judge(Path.cwd(), committed(Path.cwd()), KNOWN, renew="--renew" in sys.argv[1:]))
