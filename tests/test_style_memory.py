"""The estimate of memory against what the system says was taken, and against shapes by hand."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import style_memory
from bench.cells import Cell, run_cell
from bench.pictures import bundled
from bench.style_memory import MemoryShortError, check_memory, forward_bytes, style_bytes
from bench.stylize import StyleSettings
from bench.suite_activations import Activations
from bench.suite_judges import Judges
from bench.suite_style import Style
from tests.tiny import STYLE, inputs, spec
from zoo.catalog import find

VGG = spec("vgg_c10")

SCRIPT = """
import re, sys
from pathlib import Path
import torch
from bench.stylize import StyleSettings, stylize
from zoo.catalog import find
from zoo.load import load_encoder
from zoo.taps import tap_set

torch.set_num_threads(1)
net, side = find(sys.argv[1]), int(sys.argv[2])
taps = tap_set(net, "matched")
encoder = load_encoder(net, taps=taps.every)

def run(side):
    picture = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    stylize(encoder, picture, picture.flip(3) ** 2, content_layer=taps.content,
            style_layers=taps.style, weight=100.0, settings=StyleSettings(evaluations=4), seed=0)

def memory(line):
    return int(re.search(rf"{line}:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

run(48)  # whatever is loaded only once
before = memory("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
run(side)
print(1024 * (memory("VmHWM") - before))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="no Linux")
def test_the_estimate_is_right_to_a_factor_of_two() -> None:
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "MALLOC_MMAP_THRESHOLD_": "65536",  # freed tensors go back to the system
    }
    command = [sys.executable, "-c", SCRIPT, "vgg_c10.random", "192"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    taken = int(done.stdout)
    expected = style_bytes(find("vgg_c10.random"), StyleSettings(evaluations=4), 192, 192)
    assert taken / 2 < expected < 2 * taken, (taken / 1e6, expected / 1e6)


def test_memory_grows_with_the_pixels_the_history_and_the_depth() -> None:
    plain = StyleSettings(evaluations=50)
    small, large = (style_bytes(VGG, plain, side, side) for side in (128, 256))
    weights = style_memory._traced(VGG, *_case())[0]
    assert (large - weights) / (small - weights) == pytest.approx(4, rel=0.1)
    longer, longest = (
        style_bytes(VGG, StyleSettings(evaluations=n), 512, 512) for n in (1000, 2000)
    )
    assert longer == longest  # the history is cut
    shallow = style_memory._traced(VGG, *_case(taps="single/0"))[1]
    assert 2 * shallow < style_memory._traced(VGG, *_case())[1]
    oblong = style_bytes(VGG, plain, 64, 256)
    assert oblong == pytest.approx(small, rel=0.05)


def _case(taps: str = "matched") -> tuple[object, ...]:
    return style_memory.tap_set(VGG, taps, content=0 if taps != "matched" else None), "none", 96, 96


def test_the_first_activation_counts_once() -> None:
    """One convolution with its activation: a gradient needs the activation, and its Gram's."""
    _, kept, largest = style_memory._traced(VGG, *_case(taps="single/0"))
    activation = 32 * 96 * 96 * 4
    assert activation <= largest <= 2 * activation
    assert activation < kept < 8 * activation


def test_pictures_too_large_are_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed = inputs(tmp_path, styles=(bundled("coffee", size=96),))
    check_memory(VGG, STYLE, fed)
    needed = style_bytes(VGG, STYLE, 96, 96)
    monkeypatch.setattr(style_memory, "free_bytes", lambda _: needed)
    check_memory(VGG, STYLE, fed)
    monkeypatch.setattr(style_memory, "free_bytes", lambda _: needed - 1)
    with pytest.raises(MemoryShortError, match=r"stylising 96x96 pixels .* use a smaller --size"):
        run_cell(Cell(VGG, Style(STYLE), 0), fed)
    assert not list(tmp_path.rglob("*.png"))


def test_where_there_is_plenty_no_network_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style_memory, "style_bytes", lambda *_: 1 / 0)
    monkeypatch.setattr(style_memory, "free_bytes", lambda _: 10**9)
    check_memory(VGG, STYLE, inputs(tmp_path))
    monkeypatch.setattr(style_memory, "free_bytes", lambda _: 10**7)
    with pytest.raises(ZeroDivisionError):
        check_memory(VGG, STYLE, inputs(tmp_path))


def test_looking_holds_the_taps_and_statistics_of_the_largest() -> None:
    weights, taps, largest = style_memory._looked(VGG, 96, 96)
    assert largest == 32 * 96 * 96 * 4  # the first, at full resolution
    assert largest < taps < 4 * largest
    assert forward_bytes(VGG, 96, 96) == weights + 3 * taps + 8 * largest
    assert forward_bytes(VGG, 192, 96) - weights == 2 * (3 * taps + 8 * largest)


@pytest.mark.parametrize("suite", [Activations(), Judges(Style(STYLE))])
def test_pictures_too_large_to_be_looked_at_are_refused(
    suite: Activations | Judges, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed = inputs(tmp_path, styles=(bundled("coffee", size=96),))
    needed = forward_bytes(VGG, 96, 96)
    monkeypatch.setattr(style_memory, "free_bytes", lambda _: needed)
    suite.check(VGG, fed)
    monkeypatch.setattr(style_memory, "free_bytes", lambda _: needed - 1)
    with pytest.raises(MemoryShortError, match=r"looking at 96x96 pixels .* use a smaller --size"):
        run_cell(Cell(VGG, suite, 0), fed)


def test_every_kind_of_style_transfer_is_reckoned() -> None:
    """At a size where the network's activations are what takes memory, not scoring."""
    net, side = spec("densenet_c10"), 64
    plain, smoothed, viewed, shallow = (
        style_bytes(net, replace(STYLE, **changes), side, side)
        for changes in (
            {}, {"smoothing": "softmax"}, {"transforms": True},
            {"taps": "subset/0+1", "content_tap": 0},
        )
    )  # fmt: skip
    pixel = 3 * side * side * 4
    assert plain - viewed == 2 * (STYLE.evaluations - 1) * pixel  # Adam keeps no steps
    assert smoothed - plain > _first_tap(side)  # each smoothed map is kept beside the plain one
    assert plain - shallow > _first_tap(side)  # later stages are not even computed


def _first_tap(side: int) -> int:
    return style_memory._looked(spec("densenet_c10"), side, side)[2]
