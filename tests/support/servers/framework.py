"""functions-framework around whatever answers, as it is around every function."""

from typing import TYPE_CHECKING

import functions_framework
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import flask
    from flask.testing import FlaskClient

ENTRY = "def main(request):\n    return request.environ['answer'](request)\n"
"""The answer to a request is what `environ_overrides={"answer": ...}` gives."""


@pytest.fixture(scope="session")
def framework(tmp_path_factory: pytest.TempPathFactory) -> "FlaskClient":
    source = tmp_path_factory.mktemp("source") / "entry.py"
    source.write_text(ENTRY)
    create_app: Callable[..., flask.Flask] = functions_framework.create_app
    return create_app(target="main", source=str(source), signature_type="http").test_client()
