"""Transfer methods: what they become at their limits, and their steps by hand."""

import foolbox
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import conv2d, cross_entropy

from bench.attacks import (
    DI,
    LOGIT,
    MI,
    MI_DI_TI,
    PGD,
    TI,
    Ensemble,
    Method,
    blurred,
    diverse,
    gradient_attack,
)  # fmt: skip
from bench.transfer import Attack, answers, craft
from tests.nets import linear

SIDE, EPS = 12, {"l2": 0.5, "linf": 8 / 255}
both = pytest.mark.parametrize("norm", ["l2", "linf"])


def small_cnn(seed: int = 3) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(288, 5),
        )  # fmt: skip
    return net.eval().requires_grad_(False)


NET = small_cnn()
IMAGES = 0.2 + 0.6 * torch.rand(6, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
LABELS = answers(NET, IMAGES)


def run(
    norm: str, method: Method, *, model: nn.Module = NET, steps: int = 6, goal: str = "untargeted"
) -> Tensor:
    target = 2 if goal == "targeted" else None
    attack = Attack(norm, EPS[norm], goal, steps, target, method)
    return craft(model, IMAGES, LABELS, attack=attack, seed=0)


def alike(a: Tensor, b: Tensor) -> bool:
    """Equal but for rounding, which turns a sign where a gradient is nearly 0."""
    return bool((torch.isclose(a, b, rtol=0, atol=1e-5)).float().mean() > 0.99)


@both
@pytest.mark.parametrize("goal", ["untargeted", "targeted"])
def test_the_default_method_is_foolbox_s_pgd(norm: str, goal: str) -> None:
    theirs = {"l2": foolbox.attacks.L2PGD, "linf": foolbox.attacks.LinfPGD}[norm]
    attack = theirs(abs_stepsize=EPS[norm] / 5, steps=6, random_start=True)
    criterion: foolbox.criteria.Criterion = foolbox.criteria.Misclassification(LABELS)
    if goal == "targeted":
        criterion = foolbox.criteria.TargetedMisclassification(torch.full_like(LABELS, 2))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _, expected, _ = attack(foolbox.PyTorchModel(NET, bounds=(0, 1)), IMAGES, criterion,
                                epsilons=EPS[norm])  # fmt: skip
    assert alike(run(norm, PGD, goal=goal), expected)


@both
@pytest.mark.parametrize(
    "limit",
    [Method("mi", momentum=1e-9), Method("di", diversity=1e-12), Method("none", kernel=1)],
    ids=["decay 0", "chance 0", "kernel 1"],
)
def test_at_its_limit_each_method_is_plain_pgd(norm: str, limit: Method) -> None:
    torch.testing.assert_close(run(norm, limit), run(norm, PGD), atol=1e-5, rtol=0)


@both
@pytest.mark.parametrize("method", [MI, DI, TI, MI_DI_TI, LOGIT], ids=lambda m: m.name)
@pytest.mark.parametrize("goal", ["untargeted", "targeted"])
def test_methods_differ_stay_in_the_ball_and_come_again(
    norm: str, method: Method, goal: str
) -> None:
    made = run(norm, method, goal=goal)
    assert alike(made, run(norm, method, goal=goal))
    assert not torch.allclose(made, run(norm, PGD, goal=goal), atol=1e-4)
    delta = (made - IMAGES).flatten(1)
    length = delta.norm(dim=1) if norm == "l2" else delta.abs().amax(1)
    assert (length <= EPS[norm] * (1 + 1e-5)).all()
    assert made.min() >= 0 and made.max() <= 1


@both
@pytest.mark.parametrize("method", [PGD, MI, DI, TI, MI_DI_TI, LOGIT], ids=lambda m: m.name)
def test_every_method_raises_the_loss_and_lowers_the_target_s(norm: str, method: Method) -> None:
    def loss(images: Tensor, classes: Tensor) -> float:
        return float(cross_entropy(NET(images), classes))

    aimed = torch.full_like(LABELS, 2)
    assert loss(run(norm, method), LABELS) > loss(IMAGES, LABELS)
    assert loss(run(norm, method, goal="targeted"), aimed) < loss(IMAGES, aimed)


@both
def test_momentum_adds_up_gradients_of_equal_l1_norm(norm: str) -> None:
    """Dong et al. 2018, eq. 6 and 7, written out."""
    decay, eps = 0.8, EPS[norm]
    found = run(norm, Method("mi", momentum=decay), steps=4)
    x, total = run(norm, PGD, steps=0), torch.zeros_like(IMAGES)
    for _ in range(4):
        leaf = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(cross_entropy(NET(leaf), LABELS, reduction="sum"), leaf)
        total = decay * total + gradient / gradient.abs().sum(dim=(1, 2, 3), keepdim=True)
        unit = total.sign() if norm == "linf" else total / total.flatten(1).norm(dim=1).view(
            -1, 1, 1, 1)  # fmt: skip
        delta = x + eps / 5 * unit - IMAGES
        if norm == "linf":
            delta = delta.clamp(-eps, eps)
        else:
            delta = delta * (eps / delta.flatten(1).norm(dim=1)).clamp(max=1).view(-1, 1, 1, 1)
        x = (IMAGES + delta).clamp(0, 1)
    torch.testing.assert_close(found, x, atol=1e-5, rtol=0)


def test_translation_invariance_steps_along_the_blurred_weights_of_a_linear_model() -> None:
    w = torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    grey = torch.full((1, 3, SIDE, SIDE), 0.5)
    attack = Attack("l2", 0.5, "untargeted", 60, method=Method("ti", kernel=3))
    model = linear(w, bias=-float((0.5 * w).sum()) + 1)
    found = craft(model, grey, answers(model, grey), attack=attack, seed=0) - grey
    bell = torch.exp(-0.5 * (torch.tensor([-1.0, 0.0, 1.0]) * 3) ** 2)  # a deviation is 1/3 pixel
    kernel = torch.outer(bell, bell) / bell.sum() ** 2
    padded = nn.functional.pad(w[None], (1, 1, 1, 1), mode="reflect")
    direction = -conv2d(padded, kernel.expand(3, 1, 3, 3), groups=3)
    torch.testing.assert_close(found, 0.5 * direction / direction.norm(), atol=2e-3, rtol=0)
    torch.testing.assert_close(blurred(w[None], kernel=3), -direction)


def test_blurring_keeps_what_is_constant() -> None:
    flat = torch.full((2, 3, 8, 8), 0.25)
    torch.testing.assert_close(blurred(flat, kernel=5), flat)


@given(st.integers(0, 10_000), st.integers(4, 40))
@settings(max_examples=40, deadline=None)
def test_a_diverse_picture_is_a_smaller_one_on_black(seed: int, side: int) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        found = diverse(torch.ones(3, 3, side, side), chance=1.0)
    inside = found[0, 0] > 0
    height, width = int(inside.any(1).sum()), int(inside.any(0).sum())
    assert found.shape == (3, 3, side, side)
    assert height == width and int(0.9 * side) <= height < side
    torch.testing.assert_close(found[0].sum(), torch.tensor(3.0 * height * width))


def test_the_coin_falls_once_a_picture() -> None:
    ones = torch.ones(400, 3, 20, 20)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        moved = (diverse(ones, chance=0.25) != ones).flatten(1).any(dim=1)
        assert torch.equal(diverse(ones, chance=0.0), ones)
    assert int(moved.sum()) == pytest.approx(100, abs=30)


@both
def test_the_ensemble_of_one_is_the_network_itself(norm: str) -> None:
    assert alike(run(norm, PGD, model=Ensemble([NET]).eval()), run(norm, PGD))


def test_an_ensemble_of_linear_models_is_attacked_along_the_sum_of_their_weights() -> None:
    generator = torch.Generator().manual_seed(5)
    first, second = torch.randn(2, 3, SIDE, SIDE, generator=generator)
    grey = torch.full((1, 3, SIDE, SIDE), 0.5)
    members = [linear(w, bias=1 - float((0.5 * w).sum())) for w in (first, second)]
    attack = Attack("l2", 0.5, "untargeted", 60)
    found = craft(Ensemble(members).eval(), grey, torch.zeros(1).long(), attack=attack, seed=0)
    direction = -(first + second)
    torch.testing.assert_close(
        found - grey, 0.5 * (direction / direction.norm())[None], atol=2e-3, rtol=0
    )


@pytest.mark.parametrize(
    ("norm", "method"),
    [("l1", PGD), ("l2", Method(loss="hinge")), ("l2", Method(kernel=4))],
)
def test_what_nobody_knows_is_refused(norm: str, method: Method) -> None:
    with pytest.raises(ValueError, match=r"see Method|l2 and linf are known"):
        gradient_attack(norm, method, step_size=0.1, steps=1)


def test_conditions_name_the_method() -> None:
    assert Attack("l2", 0.5, "untargeted", 3, method=MI).condition == "l2_0.50/mi/untargeted"
    assert Attack("l2", 0.5, "targeted", 3, 4, LOGIT).condition == "l2_0.50/logit/targeted/4"
