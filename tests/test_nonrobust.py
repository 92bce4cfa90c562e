"""Data sets of non-robust features: closed forms on a linear source, limits, storage."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zoo import nonrobust, precision
from zoo.datasets import DataError, LabelledImages, to_float
from zoo.nonrobust import EPS, KINDS, Made, make, targets


def images(n: int = 40) -> LabelledImages:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(90, 160, (n, 3, 8, 8), generator=generator).byte()
    return LabelledImages(tuple(f"{i:05d}" for i in range(n)), pixels, torch.arange(n) % 10)


def source() -> nn.Module:
    """Ten orthogonal directions of unit length; the class is the largest projection."""
    basis = torch.linalg.qr(torch.randn(192, 10, generator=torch.Generator().manual_seed(1)))[0]
    net = nn.Sequential(nn.Flatten(), nn.Linear(192, 10, bias=False))
    net[1].weight.data = basis.T.contiguous()
    return net.eval().requires_grad_(False)


def shift(made: Made, clean: LabelledImages) -> Tensor:
    return (to_float(made.images.pixels) - to_float(clean.pixels)).flatten(1)


ROUNDING = 0.5 / 255 * 192**0.5  # the farthest that rounding to 8 bits moves a picture


def test_targets_are_the_next_class_or_any() -> None:
    labels = torch.arange(10).repeat(500)
    assert torch.equal(targets(labels, "det"), (labels + 1) % 10)
    drawn = targets(labels, "rand")
    counts = torch.bincount(drawn, minlength=10)
    assert (counts - 500).abs().max() < 5 * 500**0.5
    assert (drawn == labels).float().mean() == pytest.approx(0.1, abs=0.03)
    assert torch.equal(targets(labels, "noise"), drawn)
    assert not torch.equal(targets(labels, "rand", seed=1), drawn)


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_stay_in_the_ball(kind: str) -> None:
    clean = images()
    made = make(source(), clean, kind)
    assert (shift(made, clean).norm(dim=1) <= EPS + ROUNDING).all()
    assert torch.equal(made.images.labels, targets(clean.labels, kind))
    assert made.images.ids == clean.ids


def test_a_linear_source_is_moved_along_its_weights() -> None:
    clean, net = images(), source()
    made = make(net, clean, "det")
    rows = net[1].weight[made.images.labels]
    along = (shift(made, clean) * rows).sum(1)
    # towards the class and away from the others in the logits' game: most of the way is along w_t
    assert (along > 0.6 * EPS).all()
    before = (net(to_float(clean.pixels)).argmax(1) == made.images.labels).float().mean()
    assert made.hit > before
    assert made.pilot.steps == 10 * len(made.pilot.shares)
    assert made.pilot.shares[-1] == max(made.pilot.shares)


def test_noise_moves_as_far_and_hits_by_chance() -> None:
    clean = images(200)
    made = make(source(), clean, "noise")
    lengths = shift(made, clean).norm(dim=1)
    assert (lengths > EPS - ROUNDING).all()
    assert made.pilot.steps == 0
    assert made.pilot.shares == ()
    assert made.hit < 0.25


def test_iterations_stop_when_they_no_longer_help() -> None:
    constant = source()
    nn.init.zeros_(constant[1].weight)
    made = make(constant, images(20), "rand")
    assert made.pilot.steps == 10
    assert made.pilot.shares == pytest.approx((made.hit,))


def test_hits_are_counted_on_pictures_of_8_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, seen = nonrobust._answers, list[Tensor]()

    def spy(source: nn.Module, x: Tensor) -> Tensor:
        seen.append(255 * x)
        return answers(source, x)

    monkeypatch.setattr(nonrobust, "_answers", spy)
    make(source(), images(), "det")
    assert len(seen) >= 2  # the pilot's and the whole set's
    assert all((levels - levels.round()).abs().max() < 1e-3 for levels in seen)


def test_the_pilot_is_drawn_from_all_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonrobust, "_PILOT", 20)
    clean, seen = images(100), list[Tensor]()
    by_class = clean.subset(clean.labels.argsort().tolist())
    moved = nonrobust._moved

    def spy(source: nn.Module, pixels: Tensor, y: Tensor, *how: Any) -> Tensor:
        seen.append(y)
        return moved(source, pixels, y, *how)

    monkeypatch.setattr(nonrobust, "_moved", spy)
    make(source(), by_class, "det")
    assert len(seen[0]) == 20
    assert len(seen[0].unique()) > 5


def test_the_seed_decides_every_byte() -> None:
    first, again, other = (
        make(source(), images(), "rand", seed=s).images.sha256 for s in (0, 0, 1)
    )
    assert first == again != other


def test_progress_counts_every_picture() -> None:
    seen: list[int] = []
    make(source(), images(30), "noise", tick=seen.append)
    assert sum(seen) == 30


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_stopped_run_made_is_not_made_again(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nonrobust, "PART", 16)
    clean, counted = images(), 0

    def stop(n: int) -> None:
        nonlocal counted
        counted += n
        if counted > 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(source(), clean, kind, parts=tmp_path, tick=stop)
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    pilot = [] if kind == "noise" else ["pilot.safetensors"]
    assert sorted(file.name for file in kept) == ["00000.safetensors", *pilot]
    seen: list[int] = []
    whole = make(source(), clean, kind)
    monkeypatch.setattr(nonrobust, "_piloted", None)
    resumed = make(source(), clean, kind, parts=tmp_path, tick=seen.append)
    assert all(file.stat().st_mtime_ns == when for file, when in kept.items())
    assert sum(seen) == len(clean)
    assert (resumed.images.sha256, resumed.hit) == (whole.images.sha256, whole.hit)
    assert resumed.pilot == whole.pilot


def test_a_data_set_goes_on_in_the_precision_it_was_begun_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[str] = []

    def computing(device: torch.device, name: str) -> torch.autocast:
        used.append(name)
        return precision.computing(device, name)

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(nonrobust, "computing", computing)
    monkeypatch.setattr(nonrobust, "PART", 16)
    monkeypatch.setattr(nonrobust, "fastest", lambda _: "bfloat16")
    with pytest.raises(KeyboardInterrupt):
        make(source(), images(), "det", parts=tmp_path, tick=stop)
    monkeypatch.setattr(nonrobust, "fastest", lambda _: "float32")
    make(source(), images(), "det", parts=tmp_path)
    assert set(used) == {"bfloat16"}


def test_a_damaged_part_is_refused(tmp_path: Path) -> None:
    (tmp_path / "00000.safetensors").write_bytes(b"text")
    with pytest.raises(DataError, match=r"00000.safetensors is damaged .* delete it"):
        make(source(), images(), "noise", parts=tmp_path)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(DataError, match="no data set robust: choose one of det, rand, noise"):
        make(source(), images(), "robust")


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    made = make(source(), images(), "det")
    file = nonrobust.kept(tmp_path / "new", "det", "a", "b")
    nonrobust.save(made, file)
    back = nonrobust.load(file)
    assert back.images.sha256 == made.images.sha256
    assert back.about == made.about
    assert made.about["precision"] in ("bfloat16", "float32")
    assert file != nonrobust.kept(tmp_path / "new", "det", "other", "b")
    assert file != nonrobust.kept(tmp_path / "new", "rand", "a", "b")


@pytest.mark.parametrize("content", [b"", b"text", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_damaged_file_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "det.safetensors"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"is damaged .* delete it, it is made anew"):
        nonrobust.load(file)
