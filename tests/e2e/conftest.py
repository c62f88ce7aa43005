"""One browser for all pages and stacks of this folder: a new one takes a second of the processor."""

import pytest

from tests.support.web.browser import open_browser

browser = pytest.fixture(scope="package")(open_browser)
