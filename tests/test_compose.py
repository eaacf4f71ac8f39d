"""Dockerfile and compose.yaml: what they name exists here. Nothing is built: that needs an engine."""

from __future__ import annotations

import os
import re
import shlex
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

import pytest
import yaml
from alembic.config import CommandLine

from support import ROOT
from trr_api.config import Settings

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
OWN = {name: service for name, service in COMPOSE["services"].items() if "build" in service}
NEW_SECRET = "sixteen-characters-or-more"


def commands() -> list[list[str]]:
    """What the images and services run."""
    images = [yaml.safe_load(found) for found in re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)]
    return [*images, *(service["command"] for service in OWN.values() if "command" in service)]


def example(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.partition("=")[::2] for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("command", commands(), ids=shlex.join)
def test_every_command_exists(command: list[str]) -> None:
    program, *arguments = command
    if program == "python":
        assert arguments[0] == "-m"
        assert find_spec(f"{arguments[1]}.__main__")
        return
    assert {script.name for script in entry_points(group="console_scripts")} & {program}
    if program == "scrapy":
        assert find_spec(f"trr_crawl.commands.{arguments[0]}")
    if program == "alembic":
        CommandLine().parser.parse_args(arguments)


def test_services_are_built_of_stages_that_there_are_and_wait_for_services_that_there_are() -> None:
    stages = set(re.findall(r"^FROM .* AS (\w+)$", DOCKERFILE, re.MULTILINE))
    assert {service["build"]["target"] for service in OWN.values()} == {"app", "node"} < stages
    for service in COMPOSE["services"].values():
        for awaited, how in service.get("depends_on", {}).items():
            # What ends is waited for to its end, what goes on until it is well.
            ends = COMPOSE["services"][awaited].get("restart") == "no"
            assert how["condition"] == ("service_completed_successfully" if ends else "service_healthy")


def test_volumes_are_declared_and_nothing_is_published_beyond_this_machine() -> None:
    services = COMPOSE["services"].values()
    mounted = {volume.partition(":")[0] for service in services for volume in service.get("volumes", ())}
    assert mounted == set(COMPOSE["volumes"])
    ports = [port for service in services for port in service.get("ports", ())]
    assert ports == ["127.0.0.1:8000:8000"]


def test_every_name_in_the_environment_is_one_of_ours() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    of_api = {f"TRR_API_{name}".upper() for name, field in Settings.model_fields.items() if not field.validation_alias}
    known = {*re.findall(r"`([A-Z][A-Z_]+)`", readme), *of_api, "LOG_LEVEL"}
    used = {name for service in OWN.values() for name in service.get("environment", {})}
    used |= {*example("trr.env.example"), *example("api.env.example")}
    assert used - known == set()


def test_the_api_starts_with_the_examples_once_the_secret_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {**example("trr.env.example"), **example("api.env.example"), **OWN["api"]["environment"]}
    for name in [name for name in os.environ if name.startswith("TRR_API_")]:
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=r"secret\s.*at least 16"):
        Settings()
    monkeypatch.setenv("TRR_API_SECRET", NEW_SECRET)
    assert Settings().rate_storage == "async+redis://redis:6379/0"


def test_no_secret_is_in_any_of_them() -> None:
    secrets = re.compile(r"^ *#? *\w*(SECRET|PASSWORD|TOKEN|KEY)\w*[:=] *(\S+)", re.MULTILINE)
    for name in ("compose.yaml", "Dockerfile", "trr.env.example", "api.env.example"):
        for _, value in secrets.findall((ROOT / name).read_text(encoding="utf-8")):
            assert value.startswith("${"), f"{name}: {value}"


def test_images_get_what_they_need_and_nothing_else() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        name
        for line in re.findall(r"^COPY (?:--chown=\S+ )?(?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for name in line.split()[:-1]
        if name != "."
    }
    assert {name.partition("/")[0] for name in copied} | {"alembic", "trr_api", "trr_crawl", "scrapy.cfg"} <= kept
    assert [name for name in kept | copied if not (ROOT / name).exists()] == []
