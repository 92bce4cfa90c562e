"""The learning rate is chosen on pictures the training has not seen, once for all seeds."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from tests.toys import SHORT, tiny_net, toy_images
from zoo import produce, search
from zoo.catalog import find
from zoo.datasets import LabelledImages
from zoo.recipes import Recipe, recipe_of
from zoo.train import TrainingError

RECIPE = replace(SHORT, tried=(1e-7, 0.1, 1e20))
IMAGES = toy_images(150)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SHOWN", 96)
    monkeypatch.setattr(search, "HELD", 54)
    monkeypatch.setattr(search, "EPOCHS", 6)


def found(
    folder: Path, *, recipe: Recipe = RECIPE, images: LabelledImages = IMAGES, **calls: object
) -> dict[float, float]:
    return search.rates(
        tiny_net, recipe, images,
        file=folder / "net.rates.json", device=torch.device("cpu"), **calls,
    )  # fmt: skip


def test_the_rate_that_learns_wins_and_one_that_diverges_counts_nothing(tmp_path: Path) -> None:
    rates = found(tmp_path)
    assert list(rates) == [1e-7, 0.1, 1e20]
    assert rates[0.1] > 0.8 > 0.6 > rates[1e-7]
    assert rates[1e20] == 0


def test_what_was_found_is_kept_and_nothing_else(tmp_path: Path) -> None:
    rates = found(tmp_path)
    assert found(tmp_path, tick=lambda _: pytest.fail("searched again")) == rates
    assert [file.name for file in tmp_path.iterdir()] == ["net.rates.json"]
    kept = json.loads((tmp_path / "net.rates.json").read_text())
    assert kept["found"] == {str(rate): score for rate, score in rates.items()}


@pytest.mark.parametrize(
    ("recipe", "images"),
    [
        (replace(RECIPE, tried=(0.1, 0.2)), IMAGES),
        (replace(RECIPE, crop_padding=None), IMAGES),
        (RECIPE, toy_images(150, seed=1)),
    ],
    ids=["other rates", "other recipe", "other pictures"],
)
def test_what_was_found_elsewhere_is_searched_again(
    recipe: Recipe, images: LabelledImages, tmp_path: Path
) -> None:
    found(tmp_path)
    anew = found(tmp_path, recipe=recipe, images=images)
    assert tuple(anew) == recipe.tried
    assert anew == found(tmp_path / "empty", recipe=recipe, images=images)


def test_a_search_goes_on_with_the_rate_it_was_stopped_at(tmp_path: Path) -> None:
    left = iter(range(45))  # six epochs of six batches a rate

    def stop(_: float) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        found(tmp_path, tick=stop)
    assert len(json.loads((tmp_path / "net.rates.json").read_text())["found"]) == 1
    ticks: list[float] = []
    before: list[int] = []
    resumed = found(tmp_path, start=before.append, tick=ticks.append)
    whole: list[float] = []
    assert resumed == found(tmp_path / "whole", start=before.append, tick=whole.append)
    assert before == [1, 0]
    assert len(ticks) < len(whole) - 36


def test_a_training_begun_on_other_pictures_is_no_failure_of_its_rate(tmp_path: Path) -> None:
    left = iter(range(45))

    def stop(_: float) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        found(tmp_path, tick=stop)
    with pytest.raises(TrainingError, match="remove it to start anew"):
        found(tmp_path, images=toy_images(150, seed=1))


@pytest.mark.parametrize("content", ["", "[1]", '{"0.1": 0.5}', '{"data": 1, "found": 2}'])
def test_a_file_of_another_version_is_searched_again(content: str, tmp_path: Path) -> None:
    (tmp_path / "net.rates.json").write_text(content)
    assert found(tmp_path) == found(tmp_path / "empty")


@pytest.mark.parametrize("damaged", [{}, {"found": None}, {"found": [0.1, 0.5]}])
def test_a_file_that_lost_what_it_found_is_searched_again(
    damaged: dict[str, object], tmp_path: Path
) -> None:
    whole = found(tmp_path)
    file = tmp_path / "net.rates.json"
    kept = json.loads(file.read_text())
    del kept["found"]
    file.write_text(json.dumps(kept | damaged))
    ticks: list[float] = []
    assert found(tmp_path, tick=ticks.append) == whole
    assert ticks


def test_the_same_rates_are_found_again(tmp_path: Path) -> None:
    assert found(tmp_path / "once") == found(tmp_path / "again")


def test_a_handful_of_pictures_is_split_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SHOWN", 960)
    monkeypatch.setattr(search, "HELD", 540)
    assert found(tmp_path)[0.1] > 0.6


def test_a_further_seed_trains_at_the_rate_the_first_one_found(
    checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, images = "matched_c10.res0_max22_bn0", toy_images(20, 32)
    recorded = {"0.025": 0.3, "0.05": 0.5, "0.1": 0.4, "0.2": 0.1}
    second = find(f"{first}-s1")
    recipe = recipe_of(second)
    asked = json.loads(json.dumps({**asdict(recipe), "name": "standard", "peak_lr": 0.05}))
    checkpoints(first, search=recorded, data={"sha256": images.sha256}, recipe=asked)
    searched: list[str] = []
    monkeypatch.setattr(produce, "rates", lambda *_, **__: searched.append("again") or {})
    found = produce._search(second, recipe, images, tmp_path, "cpu")
    assert found == {float(rate): score for rate, score in recorded.items()}
    assert not searched
    produce._search(second, recipe, toy_images(21, 32), tmp_path, "cpu")  # other pictures
    for other in (replace(recipe, tried=(0.3,)), replace(recipe, epochs=3)):
        produce._search(second, other, images, tmp_path, "cpu")
    assert len(searched) == 3
