"""Which ports a stack chooses, and that no other one chooses them."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from infra.local import ports
from infra.local.ports import PUBLIC, PortTakenError, assign, reserve


@pytest.fixture(autouse=True)
def _released(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    reserved: list[socket.socket] = []
    monkeypatch.setattr(ports, "_reserved", reserved)
    yield
    for sock in reserved:
        sock.close()


def listening(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(1)
    return sock


def test_no_two_stacks_choose_the_same_port_before_their_programs_listen() -> None:
    names = [f"program{number}" for number in range(40)]
    chosen = [port for _ in range(8) for port in assign(names, fixed=False).by_name.values()]
    assert len(set(chosen)) == len(chosen) > 350


def test_a_reserved_port_is_given_to_nobody_who_asks_for_any() -> None:
    with ExitStack() as held:
        chosen = [held.enter_context(listening(0)).getsockname()[1] for _ in range(300)]
    with ExitStack() as held:
        for port in chosen:
            held.enter_context(reserve(port))
        others = {held.enter_context(listening(0)).getsockname()[1] for _ in range(400)}
    assert not others & set(chosen)


def test_the_program_that_it_is_for_can_listen_there_again_and_again() -> None:
    port = assign(["one"], fixed=False)["one"]
    for _ in range(3):
        listening(port).close()


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """The public ports by their variables: nobody listens there, and nobody else is given them."""
    with ExitStack() as held:
        given = {variable: held.enter_context(reserve(0)).getsockname()[1] for variable, _ in PUBLIC.values()}
        for variable, port in given.items():
            monkeypatch.setenv(variable, str(port))
        yield given


@pytest.mark.parametrize("name", list(PUBLIC))
def test_a_taken_port_is_named_with_the_variable_that_moves_it(moved: dict[str, int], name: str) -> None:
    variable, _ = PUBLIC[name]
    with listening(moved[variable]), pytest.raises(PortTakenError) as refused:
        assign([], fixed=True)
    assert f"port {moved[variable]} is taken" in str(refused.value)
    assert f"set {variable} to another one" in str(refused.value)


def test_a_port_given_twice_and_a_port_that_is_none_are_refused(
    moved: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIA_INBOX_PORT", str(moved["AIA_PORT"]))
    with pytest.raises(PortTakenError, match="set AIA_INBOX_PORT"):
        assign([], fixed=True)
    monkeypatch.setenv("AIA_PORT", "web")
    with pytest.raises(PortTakenError, match="AIA_PORT: must be a port"):
        assign([], fixed=True)
