"""Plans of the deployment, made once by whichever test of this folder is the first."""

import pytest

from infra import plan

Resources = list[plan.Resource]


@pytest.fixture(scope="session")
def deployed() -> Resources:
    """What a project and a region give."""
    return plan.planned()


@pytest.fixture(scope="session")
def with_secrets() -> Resources:
    """What settings with secrets and with playbooks that act give."""
    return plan.planned("access", "secrets")
