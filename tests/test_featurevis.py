"""Activation maximisation where the best picture is known, and the suite's rows and pictures."""

from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from bench.cells import Cell, run_cell
from bench.featurevis import VisSettings, Visualised, alive, channels, logits, maximise
from bench.optimize import LossError
from bench.spectrum import artifact_scores
from bench.suite_features import Features
from results.artifacts import feature_file
from results.schema import validate
from tests.nets import ONE, ZERO, linear, pixels_as_features
from tests.tiny import inputs, spec
from zoo.load import Classifier, Encoder

KINDS = pytest.mark.parametrize("kind", ["pixel", "fourier", "fourier-decorrelated"])


def run(objective, count: int = 1, *, size: int = 32, seed: int = 0, **changes) -> Visualised:
    settings = VisSettings(**{"size": size, "steps": 80} | changes)
    return maximise(objective, count, settings=settings, seed=seed)


def test_the_best_picture_for_a_colour_is_that_colour() -> None:
    made = run(channels(pixels_as_features(), "pixels", [0, 2]), 2)
    assert made.images.shape == (2, 3, 32, 32)
    for i, colour in enumerate([0, 2]):
        assert torch.equal(made.images[i, colour], torch.ones(32, 32))
        others = [c for c in range(3) if c != colour]
        assert (made.images[i, others] - 0.5).abs().max() < 0.06  # as they began
    assert made.start.tolist() == pytest.approx([0.5, 0.5], abs=0.01)
    assert made.end.tolist() == [1, 1]


@KINDS
@pytest.mark.parametrize("transforms", [False, True])
def test_every_parameterisation_gets_there(kind: str, transforms: bool) -> None:
    made = run(lambda x: x.mean(dim=(1, 2, 3)), parameterization=kind, transforms=transforms)
    assert float(made.end) > 0.97
    assert made.images.min() >= 0 and made.images.max() <= 1


def test_the_best_picture_for_a_linear_logit_is_the_sign_of_its_weights() -> None:
    sign = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0)).sign()
    made = run(logits(linear(sign), [0, 1]), 2)
    torch.testing.assert_close(made.images[0], (sign > 0).float())
    torch.testing.assert_close(made.images[1], (sign < 0).float())


def test_an_objective_without_gradient_leaves_its_picture_and_its_neighbours_alone() -> None:
    def objective(x: Tensor) -> Tensor:
        return torch.stack([0 * x[0].sum(), x[1].mean()])

    made = run(objective, 2, steps=10)
    assert (made.images[0] - 0.5).abs().max() < 0.06
    alone = run(lambda x: x.mean(dim=(1, 2, 3)), steps=10)
    torch.testing.assert_close(made.images[1:], alone.images)


def test_priors_remove_the_lattice_of_a_stride() -> None:
    def every_second(x: Tensor) -> Tensor:
        return x[..., ::2, ::2].mean(dim=(1, 2, 3))

    plain = run(every_second, size=64)
    prior = run(every_second, size=64, parameterization="fourier-decorrelated", transforms=True)
    peaks = [float(artifact_scores(made.images)["peak_2"]) for made in (plain, prior)]
    assert peaks[0] > 20
    assert peaks[1] < peaks[0] - 10


def test_the_same_seed_is_the_same_picture() -> None:
    objective = channels(pixels_as_features(), "pixels", [1])
    before = torch.get_rng_state()
    one, again, other = (run(objective, seed=s, steps=3, transforms=True).images for s in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_an_objective_that_is_no_number_is_refused() -> None:
    with pytest.raises(LossError, match="python -m zoo check"):
        run(lambda x: x.mean(dim=(1, 2, 3)) * float("nan"))


class Half(nn.Module):
    """Ten channels, the odd ones of which are never positive."""

    def forward(self, x: Tensor) -> Tensor:
        signs = torch.tensor([1.0, -1.0]).repeat(5)
        return (x[:, :1] * signs.view(1, 10, 1, 1)).relu()


def test_channels_are_chosen_among_those_that_answer() -> None:
    net = nn.Sequential(OrderedDict(tap=Half(), rest=nn.Identity()))
    encoder = Encoder(Classifier(net, ZERO, ONE), ["tap"])
    assert alive(encoder, "tap", 2, size=16, seed=0) == (0, 4)
    assert alive(encoder, "tap", 9, size=16, seed=0) == (0, 2, 4, 6, 8)


def test_the_suite_has_rows_and_pictures(tmp_path: Path) -> None:
    model, ticks = spec("vgg_c10"), list[float]()
    suite = Features(VisSettings(size=32, steps=2), channels=1, logits=2)
    rows = validate(run_cell(Cell(model, suite, 0), inputs(tmp_path), tick=ticks.append))
    assert len(ticks) == suite.work(inputs(tmp_path)) == 12
    cases = set(rows["case"])
    assert {"logit-0", "logit-1"} < cases and len(cases) == 7
    assert set(rows["condition"]) == {"pixel"}
    assert {"objective_start", "objective_end", "high_frequency_share", "spectral_slope"} <= set(
        rows["metric"]
    )
    for case in cases:
        with Image.open(feature_file(tmp_path, model.name, "pixel", case)) as picture:
            assert picture.size == (32, 32)
    again = validate(run_cell(Cell(model, suite, 0), inputs(tmp_path / "again")))
    assert again.equals(rows)
    assert suite.seconds(model, inputs(tmp_path)) > 0


def test_conditions_and_keys_say_what_is_optimised() -> None:
    priors = VisSettings(parameterization="fourier-decorrelated", transforms=True)
    assert priors.condition == "fourier-decorrelated+transforms"
    cell = Cell(spec("vgg_c10"), Features(priors), 1)
    assert cell.key == "features/vgg_c10.random-s0/fourier-decorrelated+transforms/96px/seed1"
