"""Minimal distances against closed forms, and foolbox's PGD against the robustness library's."""

from dataclasses import replace
from pathlib import Path

import eagerpy as ep
import foolbox
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bench.cells import Cell, digest, run_cell
from bench.distances import Search, _HopSkipJump, nearest
from bench.suite_robustness import Robustness
from bench.transfer import answers
from results.schema import validate
from tests.nets import Ball, linear
from tests.tiny import inputs, spec
from zoo.load import load_classifier
from zoo.robust import pgd

SHAPE = (3, 8, 8)
LADDER = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
CORNERS = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064)
GRADIENT = [
    Search("l2", "pgd", steps=40, eps=LADDER, restarts=2),
    Search("l2", "ddn", steps=60),
    Search("linf", "pgd", steps=40, eps=CORNERS),
    Search("linf", "fmn", steps=60),
]
BLIND = [
    Search("l2", "hop_skip_jump", steps=15, queries=60),
    Search("linf", "hop_skip_jump", steps=15, queries=60),
]
names = [search.condition for search in (*GRADIENT, *BLIND)]


def plane(n: int = 12) -> tuple[nn.Module, Tensor, Tensor, Tensor, Tensor]:
    """A linear classifier with pictures on both sides: labels, w, and the margins w.x + b."""
    generator = torch.Generator().manual_seed(1)
    w = torch.randn(SHAPE, generator=generator)
    along = torch.linspace(-0.5, 0.5, n).view(-1, 1, 1, 1) * w / w.norm()
    images = 0.5 + along + 0.01 * torch.randn(n, *SHAPE, generator=generator)
    bias = -float((0.5 * w).sum())
    margin = images.flatten(1) @ w.flatten() + bias
    return linear(w, bias), images, (margin < 0).long(), w, margin


@pytest.mark.parametrize("search", [*GRADIENT, *BLIND], ids=names)
def test_distances_of_a_linear_model_are_its_margins(search: Search) -> None:
    model, images, labels, w, margin = plane()
    dual = w.norm() if search.norm == "l2" else w.abs().sum()
    exact = margin.abs() / dual
    found = nearest(model, images, labels, search=search, seed=0)
    ratio = found.distance / exact
    assert (ratio > 1 - 1e-3).all()  # nothing is nearer than the plane
    allowed = 1.03 if search in GRADIENT else 2.0
    assert (ratio < allowed).all(), ratio


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_distances_of_a_quadratic_model_are_those_to_its_sphere(norm: str) -> None:
    """n pixels, all t away from the centre: |x - c| = t sqrt(n), so Linf is L2 / sqrt(n).

    Several searches together: near the centre, a random start has some pixels on the wrong side,
    and one that ascends from there ends in another corner of the cube.
    """
    n = 3 * 8 * 8
    signs = torch.randn(SHAPE, generator=torch.Generator().manual_seed(2)).sign()
    apart = torch.tensor([0.01, 0.02, 0.03, 0.07, 0.08])  # three inside the sphere, two outside
    images = 0.5 + apart.view(-1, 1, 1, 1) * signs
    model = Ball(torch.full(SHAPE, 0.5), 0.05 * n**0.5).eval()
    labels = (apart < 0.05).long()
    exact = (0.05 - apart).abs() * (n**0.5 if norm == "l2" else 1)
    found = {
        search: nearest(model, images, labels, search=search, seed=0).distance / exact
        for search in (*GRADIENT, *BLIND) if search.norm == norm
    }  # fmt: skip
    assert all((ratio > 1 - 1e-3).all() for ratio in found.values()), found
    white = torch.stack([found[search] for search in GRADIENT if search in found]).amin(dim=0)
    assert (white < 1.02).all(), white
    assert all((found[search] < 2.5).all() for search in BLIND if search in found), found


@pytest.mark.parametrize("search", [*GRADIENT, *BLIND], ids=names)
def test_what_is_found_is_an_error_in_range_at_its_distance(search: Search) -> None:
    model, images, labels, _, _ = plane()
    found = nearest(model, images, labels, search=search, seed=0)
    assert (answers(model, found.images) != labels).all()
    assert found.images.min() >= 0 and found.images.max() <= 1
    order = 2 if search.norm == "l2" else torch.inf
    length = torch.linalg.vector_norm((found.images - images).flatten(1), ord=order, dim=1)
    torch.testing.assert_close(found.distance, length)


@pytest.mark.parametrize("search", [*GRADIENT, *BLIND], ids=names)
def test_an_error_is_at_distance_nothing(search: Search) -> None:
    model, images, labels, _, _ = plane(4)
    found = nearest(model, images, 1 - labels, search=search, seed=0)
    assert found.distance.tolist() == [0.0] * 4
    assert torch.equal(found.images, images)


def test_a_picture_out_of_reach_is_at_no_distance() -> None:
    model, images, labels, _, _ = plane()
    short = Search("l2", "pgd", steps=5, eps=(1e-4,))
    found = nearest(model, images, labels, search=short, seed=0)
    assert torch.isinf(found.distance).all()
    assert torch.equal(found.images, images)


class Answers(nn.Module):
    """A network that gives its answer and no gradient: the plainest gradient masking."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return self.model(images).sign() + 0 * images.sum()


def test_only_a_search_without_gradients_sees_behind_a_mask() -> None:
    model, images, labels, w, margin = plane()
    masked = Answers(model).eval()
    white = nearest(masked, images, labels, search=replace(GRADIENT[0], steps=5), seed=0)
    black = nearest(masked, images, labels, search=BLIND[0], seed=0)
    far = margin.abs() / w.norm() > 0.2
    assert torch.isinf(white.distance[far]).all()
    assert (black.distance < 2 * margin.abs() / w.norm()).all()


def test_a_network_of_one_answer_has_no_errors_to_start_from() -> None:
    class Constant(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.tensor([1.0, 0.0]).expand(len(images), 2) + 0 * images.sum()

    images = torch.rand(3, *SHAPE, generator=torch.Generator().manual_seed(0))
    found = nearest(Constant().eval(), images, torch.zeros(3).long(), search=BLIND[0], seed=0)
    assert torch.isinf(found.distance).all()


def test_hop_skip_jump_s_steps_do_not_shrink_with_the_batch() -> None:
    """Chen et al. step along a unit vector; foolbox's twelve vectors have length 1 together."""
    model, images, labels, _, _ = plane()
    called = foolbox.PyTorchModel(model, bounds=(0, 1))
    criterion = foolbox.criteria.Misclassification(labels)
    for attack, length in [(_HopSkipJump(), 1.0), (foolbox.attacks.HopSkipJumpAttack(), 12**-0.5)]:
        estimate = attack.approximate_gradients(
            lambda shown: criterion(shown, called(shown)),
            ep.astensor(images), 20, ep.astensor(torch.full((12,), 0.1)),
        )  # fmt: skip
        lengths = estimate.raw.flatten(1).norm(dim=1)
        assert float(lengths.square().mean().sqrt()) == pytest.approx(length, rel=1e-4)


@given(st.integers(0, 50), st.sampled_from(["l2", "linf"]))
@settings(max_examples=10, deadline=None)
def test_more_radii_lose_nothing_and_errors_lie_within_theirs(seed: int, norm: str) -> None:
    model, images, labels, _, _ = plane(4)
    eps = LADDER if norm == "l2" else CORNERS
    few = nearest(model, images, labels, search=Search(norm, "pgd", 4, eps[:3]), seed=seed)
    more = nearest(model, images, labels, search=Search(norm, "pgd", 4, eps), seed=seed)
    assert (more.distance <= few.distance + 1e-6).all()
    assert (few.distance[few.distance.isfinite()] <= eps[2] * (1 + 1e-5)).all()


@pytest.mark.parametrize(
    "search", [Search("linf", "ddn", 3), Search("l1", "pgd", 3), Search("l2", "guess", 3)]
)
def test_a_search_nobody_knows_is_refused(search: Search) -> None:
    model, images, labels, _, _ = plane(2)
    with pytest.raises(ValueError, match="see Search"):
        nearest(model, images, labels, search=search, seed=0)


@pytest.mark.parametrize(("norm", "eps"), [("l2", 0.5), ("linf", 8 / 255)])
def test_pgd_of_foolbox_and_of_the_robustness_library_agree(norm: str, eps: float) -> None:
    model = load_classifier(spec("resnet18_c10"))
    images = 0.2 + 0.6 * torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    labels = answers(model, images)
    theirs = {"l2": foolbox.attacks.L2PGD, "linf": foolbox.attacks.LinfPGD}[norm](
        abs_stepsize=eps / 4, steps=8, random_start=False
    )
    _, expected, _ = theirs(foolbox.PyTorchModel(model, bounds=(0, 1)), images, labels,
                            epsilons=eps)  # fmt: skip
    found = pgd(model, images, labels, norm=norm, eps=eps, steps=8, step_size=eps / 4,
                random_start=False)  # fmt: skip
    # a gradient that is zero up to rounding has either sign
    apart = (found - expected).flatten(1).norm(dim=1) / (expected - images).flatten(1).norm(dim=1)
    assert (apart < 0.02).all(), apart
    assert torch.equal(answers(model, found), answers(model, expected))


SMALL = Robustness(
    (
        Search("l2", "pgd", steps=2, eps=(0.25, 0.5)),
        Search("l2", "ddn", steps=3),
        Search("linf", "fmn", steps=3),
        Search("l2", "hop_skip_jump", steps=1, queries=4, first=5),
    ),
    batch=4,
)


def test_a_cell_holds_one_distance_a_search_and_picture(tmp_path: Path) -> None:
    cell, fed = Cell(spec("vgg_c10"), SMALL, 0), inputs(tmp_path)
    ticks: list[float] = []
    rows = validate(run_cell(cell, fed, tick=ticks.append))
    pd.testing.assert_frame_equal(rows, validate(run_cell(cell, fed)))
    assert len(ticks) == SMALL.work(fed) == 2 + 2 + 2 + 2
    count = rows.groupby("condition")["case"].nunique().to_dict()
    assert count == {"clean": 8, "l2/pgd": 8, "l2/ddn": 8, "linf/fmn": 8, "l2/hop_skip_jump": 5}
    right = rows[rows["metric"] == "clean_correct"].set_index("case")["value"] == 1
    nothing = rows[rows["metric"] == "adv_distance"].set_index("case")["value"] == 0
    assert (nothing == ~right.loc[nothing.index]).all()
    assert not any(tmp_path.iterdir())


def test_its_address_follows_the_searches_and_images_only(tmp_path: Path) -> None:
    cell, fed = Cell(spec("vgg_c10"), SMALL, 0), inputs(tmp_path)
    other = replace(cell, suite=replace(SMALL, searches=SMALL.searches[:2]))
    fewer = replace(fed, images=fed.images.subset(range(4)))
    assert len({digest(cell, fed), digest(other, fed), digest(cell, fewer)}) == 3
    assert digest(cell, replace(fed, source=spec("vgg_c10", 1))) == digest(cell, fed)
