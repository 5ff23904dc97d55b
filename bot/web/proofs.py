"""Domain proofs: the files by which WeCom's console makes sure that a domain is ours, served at the root.

The console gives an administrator a file called ``WW_verify_….txt`` when a domain is entered as trusted (可信域名) and
asks for it once. Put it into ``DATA_DIR/domain-proofs``; it is served from the next request on.
"""

import re
from pathlib import Path

from flask import Blueprint, Response, abort

MAX_PROOF_BYTES = 1024
_NAME = re.compile(r"[0-9A-Za-z_-]{1,64}")


def domain_proofs(folder: Path) -> Blueprint:
    """``GET /WW_verify_….txt`` from ``folder``, which need not be there."""
    pages = Blueprint("domain_proofs", __name__)

    @pages.get("/WW_verify_<name>.txt")
    def proof(name: str) -> Response:
        if _NAME.fullmatch(name) is None:
            abort(404)
        try:
            with (folder / f"WW_verify_{name}.txt").open("rb") as file:
                content = file.read(MAX_PROOF_BYTES + 1)
        except OSError:
            abort(404)
        if len(content) > MAX_PROOF_BYTES:
            abort(404)
        return Response(content, content_type="text/plain; charset=utf-8")

    return pages
