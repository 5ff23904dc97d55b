"""Looks for secrets in everything that is or would be committed: ``python .ci/secrets.py``; it needs no network.

What stands in ``.ci/secrets.baseline`` was looked at by a person and found to be none: public demo values, test
vectors, hashes. Exits with 1 for whatever else looks like a secret. ``--renew`` writes the list anew; look at what it
adds before you commit it.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import default_settings

BASELINE = Path(__file__).with_name("secrets.baseline")
# Files that hold no words of ours: pictures, weights, word lists, labelled sentences and the hashes of locks.
NOT_READ = re.compile(r"\.(png|svg|npz|jsonl|tsv)$|^requirements[\w-]*\.txt$|/data/.*\.txt$|^\.ci/secrets\.baseline$")


def found_in(folder: Path) -> SecretsCollection:
    """What looks like a secret in the files of ``folder`` that git has or would take."""
    listed = subprocess.run(
        ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name for name in listed.stdout.split("\0") if name and not NOT_READ.search(name)]
    secrets = SecretsCollection(root=str(folder))
    with default_settings():
        secrets.scan_files(*[name for name in names if (folder / name).is_file()], num_processors=os.cpu_count() or 1)
    return secrets


def main(arguments: list[str]) -> int:
    secrets = found_in(Path.cwd())
    if "--renew" in arguments:
        results = {
            name: [{"type": one["type"], "hashed_secret": one["hashed_secret"]} for one in ones]
            for name, ones in secrets.json().items()
        }
        BASELINE.write_text(json.dumps({"results": results}, indent=1) + "\n", encoding="utf-8")
        return 0
    known = SecretsCollection.load_from_baseline(json.loads(BASELINE.read_text(encoding="utf-8")))
    new = secrets - known
    for name, secret in new:
        print(f"{name}:{secret.line_number}: looks like a secret ({secret.type})")
    if new:
        print("take it out, and change it where it is in use; if it is none: .venv/bin/python .ci/secrets.py --renew")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
