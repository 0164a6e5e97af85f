"""A small S3 service on loopback: objects in memory, whole and in parts, over real HTTP."""

import contextlib
import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

BUCKET = "hunmin-test"
_XML = '<?xml version="1.0" encoding="UTF-8"?>'


class _Service(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Request)
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.puts = 0
        self.refuse = False


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Service

    def log_message(self, *_):
        """Say nothing."""

    def handle_one_request(self):
        with contextlib.suppress(ConnectionError):
            super().handle_one_request()

    def _parse(self):
        parts = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        key = unquote(parts.path).removeprefix(f"/{BUCKET}").removeprefix("/")
        body = self._body()
        if self.server.refuse:
            self._answer(403, b"<Error><Code>AccessDenied</Code></Error>")
            return None
        return key, query, body

    def _body(self):
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_PUT(self):
        if (parsed := self._parse()) is None:
            return
        key, query, body = parsed
        tag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        if "uploadId" in query:
            self.server.parts[query["uploadId"]][int(query["partNumber"])] = body
        else:
            self.server.objects[key] = body
            self.server.puts += 1
        self._answer(200, ETag=tag)

    def do_POST(self):
        if (parsed := self._parse()) is None:
            return
        key, query, body = parsed
        if "delete" in query:
            names = re.findall(r"<Key>(.*?)</Key>", body.decode())
            for name in names:
                self.server.objects.pop(name, None)
            gone = "".join(f"<Deleted><Key>{name}</Key></Deleted>" for name in names)
            self._answer(200, f"{_XML}<DeleteResult>{gone}</DeleteResult>".encode())
            return
        if "uploads" in query:
            upload = f"upload-{len(self.server.parts)}"
            self.server.parts[upload] = {}
            answer = f"<UploadId>{upload}</UploadId>"
            root = "InitiateMultipartUploadResult"
        else:
            parts = self.server.parts[query["uploadId"]]
            self.server.objects[key] = b"".join(parts[number] for number in sorted(parts))
            self.server.puts += 1
            answer = '<ETag>"whole"</ETag>'
            root = "CompleteMultipartUploadResult"
        head = f"<Bucket>{BUCKET}</Bucket><Key>{key}</Key>"
        self._answer(200, f"{_XML}<{root}>{head}{answer}</{root}>".encode())

    def do_GET(self):
        if (parsed := self._parse()) is None:
            return
        key, query, _ = parsed
        if "list-type" in query:
            self._list(query.get("prefix", ""))
        elif key in self.server.objects:
            self._answer(
                200, self.server.objects[key], ETag='"x"',
                Last_Modified="Fri, 09 Oct 2026 12:00:00 GMT",
            )  # fmt: skip
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    do_HEAD = do_GET

    def do_DELETE(self):
        if (parsed := self._parse()) is None:
            return
        self.server.objects.pop(parsed[0], None)
        self._answer(204)

    def _list(self, prefix):
        entries = "".join(
            f"<Contents><Key>{key}</Key><Size>{len(body)}</Size><ETag>x</ETag>"
            "<LastModified>2026-10-09T12:00:00.000Z</LastModified></Contents>"
            for key, body in sorted(self.server.objects.items())
            if key.startswith(prefix)
        )
        answer = f"<IsTruncated>false</IsTruncated>{entries}"
        self._answer(200, f"{_XML}<ListBucketResult>{answer}</ListBucketResult>".encode())


@contextlib.contextmanager
def run_s3() -> Iterator[tuple[str, _Service]]:
    """Serve until the block ends; give the address, and the service to look into."""
    service = _Service()
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{service.server_port}", service
    finally:
        service.shutdown()
        thread.join()
        service.server_close()
