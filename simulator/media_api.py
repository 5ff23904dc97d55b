"""The part of qyapi that carries files: upload, download, and the links that callbacks and cards hold (§2.11, §4.2)."""

import io

from flask import Blueprint, Response, request, send_file

from simulator.api_call import Api, Concerns, Work
from simulator.downloads import read_form
from simulator.errcodes import ApiError
from simulator.media import LinkExpired
from simulator.platform import Platform
from simulator.uploads import Upload

_MOST_BYTES = 32 * 1024 * 1024
"""What is read of an upload; what is larger than the type allows is answered with an errcode, not cut off."""


def add_media_routes(blueprint: Blueprint, api: Api, platform: Platform) -> None:
    """``media/upload``, ``media/uploadimg``, ``media/get``, and ``/media/…``."""

    def uploaded(name: str, work: Work) -> Response:
        request.max_content_length = _MOST_BYTES
        return api.answer(name, work, Concerns(read=lambda fault: read_form(fault, platform.closing)))

    @blueprint.post("/cgi-bin/media/upload")
    def upload() -> Response:
        def work(_request_id: str) -> dict[str, object]:
            api.check_token()
            return platform.media.upload(request.args.get("type", ""), *_part("media"))

        return uploaded("media/upload", work)

    @blueprint.post("/cgi-bin/media/uploadimg")
    def uploadimg() -> Response:
        def work(_request_id: str) -> dict[str, object]:
            api.check_token()
            return platform.media.upload_picture(*_part(next(iter(request.files), "")))

        return uploaded("media/uploadimg", work)

    @blueprint.get("/cgi-bin/media/get")
    def media_get() -> Response:
        def work(_request_id: str) -> Response:
            api.check_token()
            upload = platform.media.by_media_id(request.args.get("media_id", ""))
            if len(upload.data) > platform.rules.whole_download_bytes and request.range is None:
                raise ApiError(830002, 23)
            return _attachment(upload, upload.data)

        return api.answer("media/get", work)

    @blueprint.get("/media/<code>")
    def media(code: str) -> Response:
        def work(request_id: str) -> Response:
            try:
                return _attachment(*platform.media.by_link(code))
            except LinkExpired:
                platform.journal.rule(29, "media_url_refused", request_id)
                return Response("forbidden", status=403, content_type="text/plain")

        return api.answer("media_url", work, Concerns(peer=platform.media.peer_of(code)))


def _part(name: str) -> tuple[str, bytes]:
    """Name and bytes of a part of the form; nothing where there is none."""
    part = request.files.get(name)
    if part is None:
        return "", b""
    part.stream.seek(0)
    return part.filename or "", part.stream.read()


def _attachment(upload: Upload, data: bytes) -> Response:
    """The bytes, or the range of them that was asked for (§2.11)."""
    response = send_file(io.BytesIO(data), mimetype=upload.content_type, conditional=True, etag=False)
    response.headers["Content-Disposition"] = upload.disposition()
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
