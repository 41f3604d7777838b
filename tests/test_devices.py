import pytest

from fairprune import devices
from fairprune.errors import BadInput


@pytest.fixture
def machine(monkeypatch):
    """Sets what the driver and the installed torch say."""

    def say(cards: int, torch: str | None) -> None:
        monkeypatch.setattr(devices, "cuda_devices", lambda: cards)
        monkeypatch.setattr(devices, "_torch_version", lambda: torch)
        devices.available.cache_clear()

    yield say
    devices.available.cache_clear()


def test_this_machine_has_at_least_a_cpu():
    assert devices.available()[-1] == "cpu"
    assert devices.resolve("auto") == devices.available()[0]
    assert devices.resolve("cpu") == "cpu"
    assert devices.cuda_devices() >= 0


def test_a_missing_or_foreign_driver_counts_no_device():
    assert devices.cuda_devices("libno-such-driver.so.1") == 0
    # A library that is there and has no cuInit.
    assert devices.cuda_devices("libc.so.6") == 0


def test_the_best_device_stands_first(machine):
    machine(2, "2.13.0")
    assert devices.available() == ("cuda", "cpu")
    assert devices.resolve("auto") == "cuda"
    assert devices.resolve("cuda") == "cuda"


def test_cuda_without_a_card_says_what_there_is(machine):
    machine(0, "2.13.0")
    assert devices.resolve("auto") == "cpu"
    with pytest.raises(BadInput, match=r"'cuda' cannot be used: there is no CUDA device.*Available: cpu"):
        devices.resolve("cuda")


def test_a_card_with_a_torch_for_the_cpu_alone_is_no_device(machine):
    machine(1, "2.13.0+cpu")
    assert devices.available() == ("cpu",)
    with pytest.raises(BadInput, match=r"torch \(2.13.0\+cpu\) is built for the CPU alone"):
        devices.resolve("cuda")


def test_an_unknown_device_suggests_the_nearest():
    with pytest.raises(BadInput, match="unknown device 'cude': did you mean 'cuda'"):
        devices.resolve("cude")
