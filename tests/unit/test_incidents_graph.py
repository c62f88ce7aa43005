"""What needs what, what a fault reaches, and what is decided together."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from core.incidents.policy import GROUP_LIMIT, Graph
from core.settings.types import Dependency

names = st.sampled_from("abcdefgh")
edges = st.lists(st.tuples(names, names, st.sampled_from([0.0, 0.25, 0.5, 1.0])), max_size=14)


def graph_of(pairs: list[tuple[str, str, float]]) -> Graph:
    return Graph([Dependency(target=one, needs=other, share=share) for one, other, share in pairs])


def chain(*targets: str) -> Graph:
    return graph_of([(one, other, 1.0) for one, other in pairwise(targets)])


def test_what_is_not_named_needs_nothing_and_stands_alone() -> None:
    graph = Graph()
    assert (graph.upstream("x"), dict(graph.downstream("x")), graph.group("x")) == (frozenset(), {}, "x")
    assert graph.related("x", "x")
    assert not graph.related("x", "y")


def test_a_fault_reaches_everything_that_needs_the_target_over_its_worst_way() -> None:
    graph = graph_of([("b", "a", 0.5), ("c", "b", 0.5), ("c", "a", 0.1), ("b", "a", 0.4)])
    assert graph.downstream("a") == {"b": 0.5, "c": 0.25}
    assert graph.upstream("c") == {"a", "b"}
    assert graph.upstream("c") is graph.upstream("c")


def test_within_a_circle_everything_needs_everything_and_nothing_itself() -> None:
    graph = chain("a", "b", "c", "a")
    assert graph.upstream("a") == {"b", "c"}
    assert graph.downstream("b") == {"a": 1.0, "c": 1.0}


@settings(deadline=None)
@given(edges)
def test_needs_and_reached_are_the_two_directions_of_the_same(pairs: list[tuple[str, str, float]]) -> None:
    graph = graph_of(pairs)
    for one in "abcdefgh":
        assert one not in graph.upstream(one)
        assert all(0 <= share <= 1 for share in graph.downstream(one).values())
        for other in "abcdefgh":
            assert (other in graph.upstream(one)) is (one in graph.downstream(other))
            assert graph.related(one, other) is graph.related(other, one)
            if graph.related(one, other):
                assert graph.group(one) == graph.group(other)


@settings(deadline=None)
@given(edges, st.randoms())
def test_the_groups_do_not_depend_on_the_order_of_the_settings(
    pairs: list[tuple[str, str, float]], random: object
) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis's own Random
    assert [graph_of(pairs).group(one) for one in "abcdefgh"] == [graph_of(shuffled).group(one) for one in "abcdefgh"]


def test_a_group_is_bounded_and_what_most_others_hang_on_stands_by_itself() -> None:
    just = graph_of([(f"m{n:02}", "hub", 1.0) for n in range(GROUP_LIMIT - 1)])
    assert {just.group(f"m{n:02}") for n in range(GROUP_LIMIT - 1)} == {"hub"}
    large = graph_of([(f"m{n:02}", "hub", 1.0) for n in range(GROUP_LIMIT)] + [("x", "m00", 1.0)])
    assert large.group("hub") == "hub"
    assert (large.group("x"), large.group("m01")) == ("m00", "m01")


def test_no_group_is_larger_than_the_limit_whatever_hangs_together() -> None:
    graph = chain(*[f"t{n:03}" for n in range(200)])
    sizes: dict[str, int] = {}
    for n in range(200):
        sizes[graph.group(f"t{n:03}")] = sizes.get(graph.group(f"t{n:03}"), 0) + 1
    assert max(sizes.values()) <= GROUP_LIMIT
