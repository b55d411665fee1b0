"""Emulator and client as one: whatever happens, what the client believes is what the emulator holds.

Any sequence of uploads, changes, deletions, tasks, restarts and faults is tried, in each API generation.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from fuzz.beliefs import FILES, UPLOADED, Belief, World, source_of
from fuzz.effort import effort
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
STEPS = 8

#: What befalls one request, maybe not the first: the answers that a server or a network may give at any time.
FAULTS = st.none() | st.builds(
    lambda effect, after: {**effect, "after": after},
    st.sampled_from(
        [
            {"status": 429, "retry_after": 0},
            {"status": 429, "times": 2},
            {"status": 500},
            {"status": 503, "retry_after": 0},
            {"status": 408},
            {"status": 403},
            {"drop": "before"},
            {"drop": "after"},
            {"drop": "after", "times": 2},
            {"status": 200, "body": "no JSON"},
            {"fail_processing": "It was not meant to be."},
        ]
    ),
    st.sampled_from((0, 0, 0, 1, 2, 4)),
)
CONTENTS = st.binary(min_size=1, max_size=300)
TEXTS = st.text(max_size=20).filter(lambda text: text == text.encode("utf-8", "replace").decode())
METADATA = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers() | TEXTS, max_size=3)


@pytest.fixture(scope="module")
def pictures(web: str) -> str:
    """A web server with real media."""
    return web


class Sequence(RuleBasedStateMachine):
    """One client and one emulator; a subclass says of which generation."""

    generation = ""
    pictures = ""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count()

    @initialize()
    def begin(self) -> None:
        self.world = World(self.generation)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()

    @property
    def takes_bytes(self) -> bool:
        return self.generation in ("media", *FILES)

    def chosen(self, data: Any) -> str:
        return str(data.draw(st.sampled_from(sorted(self.world.believed)), label="resource"))

    def upload(self, content: bytes, fault: Any, **more: Any) -> None:
        path, digest = source_of(self.world, content, f"file-{next(self._numbers)}.bin")
        fields = {name: more[name] for name in ("folder", "metadata", "ref") if name in more}
        belief = Belief(digest, fields)
        self.world.upload(fault, lambda: self.world.hook.upload_media(path, **more), belief)

    @precondition(lambda self: self.takes_bytes)
    @rule(content=CONTENTS, fault=FAULTS)
    def upload_whole(self, content: bytes, fault: Any) -> None:
        self.upload(content, fault)

    @precondition(lambda self: self.generation in FILES)
    @rule(content=CONTENTS, fault=FAULTS, folder=st.sampled_from(["a", "a/b", "ä ö"]), metadata=METADATA)
    def upload_with_fields(self, content: bytes, fault: Any, folder: str, metadata: dict[str, Any]) -> None:
        self.upload(content, fault, folder=folder, **({"metadata": metadata} if metadata else {}))

    @precondition(lambda self: self.generation in FILES)
    @rule(content=CONTENTS, fault=FAULTS, size=st.integers(1, 100), parallel=st.integers(1, 3), exact=st.booleans())
    def upload_in_chunks(self, content: bytes, fault: Any, size: int, parallel: int, *, exact: bool) -> None:
        chunking = {"threshold": 1, "size": size, "parallel": parallel, "exact": exact}
        self.upload(content, fault, chunking=chunking)

    @rule(fault=FAULTS, name=st.sampled_from(["still.png", "missing.png"]))
    def ingest(self, fault: Any, name: str) -> None:
        url = f"{self.pictures}/{name}"
        self.world.upload(fault, lambda: self.world.hook.upload_media(url), Belief())

    @precondition(lambda self: self.generation in FILES and self.world.believed)
    @rule(
        data=st.data(),
        fault=FAULTS,
        fields=st.fixed_dictionaries({}, optional={"ref": TEXTS, "folder": TEXTS, "filename": TEXTS}).filter(bool),
    )
    def update(self, data: Any, fault: Any, fields: dict[str, Any]) -> None:
        self.world.change(self.chosen(data), fault, fields)

    @precondition(lambda self: self.takes_bytes and self.world.believed)
    @rule(data=st.data(), fault=FAULTS)
    def delete(self, data: Any, fault: Any) -> None:
        self.world.delete(self.chosen(data), fault)

    @precondition(lambda self: self.generation != "media")
    @rule(data=st.data(), fault=FAULTS, width=st.integers(1, 64))
    def create_task(self, data: Any, fault: Any, width: int) -> None:
        sources = [f"{self.pictures}/still.png"]
        if self.generation in FILES:
            sources += sorted(self.world.believed)
        source = data.draw(st.sampled_from(sources), label="source")
        self.world.create_task(fault, lambda: self.world.hook.create_task("image", source, {"width": width}))

    @rule()
    def process(self) -> None:
        before = set(self.world.there(UPLOADED[self.generation]))
        self.world.process()
        made = set(self.world.there(UPLOADED[self.generation])) - before
        if self.generation in FILES:  # what tasks made are files too
            self.world.believed.update({name: Belief() for name in made})
        else:
            assert not made

    @rule()
    def restart(self) -> None:
        self.world.restart()

    @invariant()
    def agrees(self) -> None:
        if hasattr(self, "world"):
            self.world.check()


@pytest.mark.parametrize("generation", GENERATIONS)
def test_what_the_client_believes_is_what_the_emulator_holds(generation: str, pictures: str) -> None:
    machine = type("Machine", (Sequence,), {"generation": generation, "pictures": pictures})
    run_state_machine_as_test(machine, settings=effort(3, 200, stateful_step_count=STEPS))


@pytest.fixture
def world(generation: str) -> Iterator[World]:
    """An emulator and a client of the generation that the test names."""
    made = World(generation)
    yield made
    made.close()


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_lost_answer_leaves_one_thing_or_none_and_the_client_says_so(world: World, pictures: str) -> None:
    source: object = f"{pictures}/still.png"
    if world.generation in ("media", *FILES):
        source, _ = source_of(world, b"some bytes", "lost.bin")
    match = {"method": "PUT" if world.generation in FILES else "POST"}
    for effect in ("before", "after"):
        world.upload({"drop": effect, "match": match}, lambda: world.hook.upload_media(source), Belief())
    world.restart()
    world.check()
    assert len(world.believed) >= 1
