"""Which ports a stack chooses, and that no other one chooses them."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from infra.local import ports
from infra.local.ports import assign, reserve


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
