"""Plans of the deployment, made once by whichever test of this folder is the first."""

import os
import re
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture(scope="session", autouse=True)
def served(provider: None) -> Iterator[None]:
    """The provider's stand-in runs once for all that Terraform does here, which would start it anew for every run of a test.

    Where it knows no `--dev`, or the provider itself is used, Terraform starts it as ever.
    """
    stand_in = os.environ.get(plan.OFFLINE) and Path(plan.environment()["TF_CLI_CONFIG_FILE"]).read_text()
    folder = re.search(r'"registry\.terraform\.io/hashicorp/google" = "(.+)"', stand_in or "")
    if not folder:
        yield
        return
    command = [f"{folder[1]}/terraform-provider-google", "--dev"]
    with (
        tempfile.TemporaryDirectory() as socket,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "TMPDIR": socket},
        ) as server,
        pytest.MonkeyPatch.context() as environ,
    ):
        try:
            # What Terraform is told to reach it by, or what a plugin says that Terraform has started.
            said = next((line for line in server.stdout or () if "=" in line or "|" in line), "")
            if where := re.search(r"TF_REATTACH_PROVIDERS='(.+)'", said):
                environ.setenv("TF_REATTACH_PROVIDERS", where[1])
            yield
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def deployed() -> Resources:
    """What a project and a region give."""
    return plan.planned()


@pytest.fixture(scope="session")
def with_secrets() -> Resources:
    """What settings with secrets and with playbooks that act give."""
    return plan.planned("access", "secrets")
