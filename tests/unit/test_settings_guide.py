"""The guide to the settings names every key there is, and its example is right."""

import re
from dataclasses import fields
from pathlib import Path

import yaml

from core.settings import DnsProbe, HttpProbe, Model, Quality, Retraining, Sensitivity, TlsProbe, parse

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text()


def test_every_key_is_in_the_guide() -> None:
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", GUIDE))))
    keys = {
        field.name
        for kind in (Model, Sensitivity, Quality, Retraining, HttpProbe, TlsProbe, DnsProbe)
        for field in fields(kind)
    }
    assert keys - words == set()


def test_the_example_of_probes_is_read_as_it_stands() -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    settings = parse({"version": 1, "jobs": {}} | yaml.safe_load(example))
    assert [probe.kind for probe in settings.probes] == ["http", "tls", "dns", "tcp"]


def test_the_defaults_in_the_guide_are_the_defaults() -> None:
    sensitivity, quality = Sensitivity(), Quality()
    assert f"`{{{sensitivity.shift:g}, {sensitivity.false_alarms:g}, {str(sensitivity.seasonal).lower()}}}`" in GUIDE
    assert f"`{{{quality.share:g}, {quality.volume:g}, {quality.age.days}d}}`" in GUIDE
