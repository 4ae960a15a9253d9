"""What hosts compare before they start, with hosts that are threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from granite_fc import versions
from granite_fc.training import agreement
from granite_fc.training.agreement import Facts, agree, check_shared
from granite_fc.training.hosts import Disagreement, Hosts


class Threads:
    """Lets several threads exchange texts as hosts do."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.barrier = threading.Barrier(count, timeout=20)
        self.texts: dict[int, str] = {}

    def run(self, work: Callable[[Hosts], None]) -> list[Exception | None]:
        """Does the work of all hosts; returns what each raised."""
        outcomes: list[Exception | None] = [None] * self.count
        shared = self

        class ThreadHosts(Hosts):
            def gather(self, what: str, text: str, seconds: float = 300) -> list[str]:
                shared.texts[self.index] = text
                shared.barrier.wait()
                texts = [shared.texts[index] for index in range(shared.count)]
                shared.barrier.wait()
                return texts

        def one(index: int) -> None:
            try:
                work(ThreadHosts(index, self.count))
            except Exception as error:
                outcomes[index] = error

        threads = [threading.Thread(target=one, args=(index,)) for index in range(self.count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcomes


def facts(**changes: Facts) -> dict[str, Facts]:
    same: dict[str, Facts] = {
        "configuration": {"SEED": "1", "STEPS": "10"},
        "code of granite_fc": {"digest of its source": "aa"},
        "packages": {"jax": "0.10.2", "libtpu": "0.0.42"},
        "mesh": {"axes": "data 2 x fsdp 4"},
    }
    return same | changes


def test_hosts_that_agree_go_on() -> None:
    assert Threads(3).run(lambda hosts: agree(hosts, facts())) == [None] * 3


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            {"configuration": {"SEED": "2", "STEPS": "10"}},
            "configuration: found 'SEED: 1 on hosts 0, 2, 2 on host 1', expected the same on all 3",
        ),
        ({"configuration": {"SEED": "1"}}, "STEPS: 10 on hosts 0, 2, absent on host 1"),
        ({"code of granite_fc": {"digest of its source": "bb"}}, "aa on hosts 0, 2, bb on host 1"),
        ({"packages": {"jax": "0.12", "libtpu": "0.0.42"}}, "jax: 0.10.2 on hosts 0, 2, 0.12 on h"),
        ({"mesh": {"axes": "data 1 x fsdp 8"}}, "axes: data 2 x fsdp 4 on hosts 0, 2, data 1 x"),
        # What follows from another configuration is not told.
        (
            {"configuration": {"SEED": "2", "STEPS": "10"}, "mesh": {"axes": "data 1 x fsdp 8"}},
            "configuration: found 'SEED: 1 on hosts 0, 2, 2 on host 1', expected",
        ),
    ],
)
def test_what_differs_is_told_on_all_hosts(other: dict[str, Facts], words: str) -> None:
    told = Threads(3).run(lambda h: agree(h, facts(**other) if h.index == 1 else facts()))
    assert all(isinstance(each, Disagreement) for each in told)
    assert all(words in str(each) for each in told)


def test_a_folder_of_its_own_is_noticed_on_all_hosts(tmp_path: Path) -> None:
    for own in (False, True):
        folders = [tmp_path / ("b" if own and index == 1 else "a") for index in range(2)]
        told = Threads(2).run(
            lambda hosts, folders=folders: check_shared(hosts, folders[hosts.index], key="X")
        )
        assert [isinstance(each, Disagreement) for each in told] == [own, own]
        assert not list((tmp_path / "a").iterdir())


def test_the_digest_of_the_code_is_of_what_is_in_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def digest() -> str:
        return versions.source_digest.__wrapped__()

    monkeypatch.setattr(versions, "__file__", str(tmp_path / "versions.py"))
    (tmp_path / "a.py").write_text("x = 1")
    first = digest()
    assert digest() == first
    (tmp_path / "a.py").write_text("x = 2")
    assert digest() != first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert len({first, digest()}) == 2


def test_texts_of_values_are_the_same_in_every_process() -> None:
    assert agreement._text({"b", "a"}) == "{'a', 'b'}"
    assert agreement._text(object()) == "<object object>"
