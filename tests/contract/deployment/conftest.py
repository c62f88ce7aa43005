"""Plans of the deployment, made once by whichever test of this folder is the first."""

import os
import shutil
import urllib.request

import pytest

from infra import plan

Resources = list[plan.Resource]
REGISTRY = "https://registry.terraform.io/.well-known/terraform.json"


@pytest.fixture(scope="session", autouse=True)
def provider() -> None:
    """Skips where there is no Terraform, or where it can have neither the provider nor its stand-in."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is absent: it is not on PATH")
    if not os.environ.get(plan.OFFLINE):
        try:
            urllib.request.urlopen(REGISTRY, timeout=5).close()
        except OSError as error:
            pytest.skip(f"terraform is absent: its registry does not answer and {plan.OFFLINE} is not set: {error}")


@pytest.fixture(scope="session")
def deployed() -> Resources:
    """What a project and a region give."""
    return plan.planned()


@pytest.fixture(scope="session")
def with_secrets() -> Resources:
    """What settings with secrets and with playbooks that act give."""
    return plan.planned("access", "secrets")
