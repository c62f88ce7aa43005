"""Plans of the deployment, made once by whichever test of a file is the first: `pytest_plugins = ["tests.support.plan_fixtures"]`."""

import pytest

from infra import plan

Resources = list[plan.Resource]


@pytest.fixture(scope="module")
def deployed() -> Resources:
    """What a project and a region give."""
    return plan.planned()


@pytest.fixture(scope="module")
def with_secrets() -> Resources:
    """What settings with secrets and with playbooks that act give."""
    return plan.planned("access", "secrets")
