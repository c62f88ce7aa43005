"""Answers to requests, each with its outcome as the metric names it."""

import json

import flask

Outcome = tuple[str, flask.Response]
"""`done`, `refused`, `parked`, `busy`, `unavailable` or `failed`; and the answer."""


def empty() -> flask.Response:
    """There is nothing to say."""
    return flask.Response("", 200)


def error(status: int, text: str) -> flask.Response:
    """A request that is not taken, with the reason."""
    return flask.Response(json.dumps({"error": text}), status, mimetype="application/json")
