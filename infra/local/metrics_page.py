"""The HTTP handler of a local server that Prometheus scrapes."""

from http.server import BaseHTTPRequestHandler

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of the text format of Prometheus."""


class MetricsPage(BaseHTTPRequestHandler):
    """Answers with text, and logs no request."""

    def reply(self, status: int, text: str) -> None:
        """Answer a request.

        Args:
            status: of HTTP.
            text: the body, in the text format of Prometheus or a message.
        """
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Log nothing: a scrape every few seconds is noise."""
