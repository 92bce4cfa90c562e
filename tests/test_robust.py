"""Adversarial steps and accuracies, against closed forms and against foolbox."""

import math
import sys

import foolbox
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tests.nets import linear
from tests.toys import toy_images
from zoo import evaluate
from zoo.datasets import LabelledImages, to_float
from zoo.evaluate import Accuracy, Pgd, accuracy, robust_accuracy
from zoo.robust import LIBRARY, STEPS, input_gradient, library, pgd

SHAPE = (3, 8, 8)
BUDGETS = [("l2", 0.5), ("linf", 8 / 255)]
budgets = pytest.mark.parametrize(("norm", "eps"), BUDGETS)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def weight() -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(1))


def small_cnn() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        net = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(128, 5),
        )  # fmt: skip
    return net.eval().requires_grad_(False)


def distance(moved: Tensor, images: Tensor, norm: str) -> Tensor:
    delta = (moved - images).flatten(1)
    return delta.norm(dim=1) if norm == "l2" else delta.abs().amax(dim=1)


@budgets
@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("random_start", [True, False])
def test_pgd_reaches_the_optimum_of_a_linear_model(
    norm: str, eps: float, label: int, random_start: bool
) -> None:
    w = weight()
    images = 0.3 + 0.4 * draw(4, *SHAPE)
    model = linear(w, bias=-float((w * 0.5).sum()))
    found = pgd(
        model, images, torch.full((4,), label), norm=norm, eps=eps, steps=60, step_size=eps / 4,
        random_start=random_start,
    )  # fmt: skip
    direction = w / w.norm() if norm == "l2" else w.sign()
    optimum = images + (eps if label else -eps) * direction
    torch.testing.assert_close(found, optimum, atol=1e-3, rtol=0)


@budgets
@pytest.mark.parametrize("steps", [0, 1, 7])
def test_pictures_stay_in_the_ball_and_in_range(norm: str, eps: float, steps: int) -> None:
    images = draw(16, *SHAPE).round(decimals=1).clamp(0, 1)  # some pixels on the border
    found = pgd(small_cnn(), images, torch.arange(16) % 5, norm=norm, eps=eps, steps=steps,
                step_size=eps)  # fmt: skip
    assert found.min() >= 0
    assert found.max() <= 1
    assert (distance(found, images, norm) <= eps * (1 + 1e-5)).all()
    assert (distance(found, images, norm) > eps / 2).all()


@budgets
def test_pictures_as_the_loader_gives_them_are_taken(norm: str, eps: float) -> None:
    images = to_float((255 * draw(4, *SHAPE)).byte())
    assert not images.is_contiguous()
    before = images.clone()
    labels = torch.arange(4)
    options = {"norm": norm, "eps": eps, "steps": 3, "step_size": eps, "random_start": False}
    found = pgd(small_cnn(), images, labels, **options)
    torch.testing.assert_close(found, pgd(small_cnn(), images.contiguous(), labels, **options))
    assert pgd(small_cnn(), images, labels, **options | {"random_start": True}).shape == (4, *SHAPE)
    assert torch.equal(images, before)


def test_starts_are_drawn_from_the_global_generator() -> None:
    made = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        made.append(pgd(small_cnn(), draw(2, *SHAPE), torch.zeros(2).long(), norm="l2", eps=0.5,
                        steps=1, step_size=0.1))  # fmt: skip
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_gradients_are_those_of_the_summed_loss() -> None:
    net, images, labels = small_cnn().double(), draw(3, *SHAPE).double(), torch.arange(3)
    with torch.no_grad():
        gradient = input_gradient(net, images, labels)
    for index in [(0, 0, 0, 0), (1, 2, 5, 3), (2, 1, 7, 7)]:
        step = torch.zeros_like(images)
        step[index] = 1e-3
        up, down = (
            cross_entropy(net(images + s).float().double(), labels, reduction="sum")
            for s in (step, -step)
        )
        assert float(gradient[index]) == pytest.approx(float(up - down) / 2e-3, abs=1e-3)
    assert gradient.is_contiguous()
    assert not images.requires_grad


def loss(net: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        return cross_entropy(net(images), labels, reduction="none")


def test_pgd_agrees_with_foolbox_step_by_step() -> None:
    net, images = small_cnn(), 0.2 + 0.6 * draw(8, *SHAPE)
    labels = net(images).argmax(1)
    theirs = foolbox.attacks.L2PGD(abs_stepsize=0.1, steps=20, random_start=False)
    _, expected, _ = theirs(foolbox.PyTorchModel(net, bounds=(0, 1)), images, labels, epsilons=0.75)
    found = pgd(net, images, labels, norm="l2", eps=0.75, steps=20, step_size=0.1,
                random_start=False)  # fmt: skip
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_pgd_from_random_starts_reaches_foolbox_s_loss() -> None:
    net, images = small_cnn(), draw(64, *SHAPE)
    labels = net(images).argmax(1)
    torch.manual_seed(0)
    theirs = foolbox.attacks.L2PGD(abs_stepsize=0.1, steps=20)
    _, expected, _ = theirs(foolbox.PyTorchModel(net, bounds=(0, 1)), images, labels, epsilons=0.75)
    found = pgd(net, images, labels, norm="l2", eps=0.75, steps=20, step_size=0.1)
    before, ours, reference = (
        float(loss(net, x, labels).mean()) for x in (images, found, expected)
    )
    assert ours - before == pytest.approx(reference - before, rel=0.02)
    assert ours - before > 0.03


def near_a_plane(n: int = 200) -> tuple[nn.Module, LabelledImages, Tensor]:
    """A linear classifier, pictures around its plane, and each one's signed distance w.x + b."""
    w = weight() / 4
    along = torch.linspace(-1.2, 1.2, n).view(-1, 1, 1, 1) * weight() / weight().norm()
    pixels = (125 + 255 * along + 20 * draw(n, *SHAPE, seed=2)).byte()
    bias = -float((w * 135 / 255).sum())
    logit = (pixels.flatten(1).double() / 255) @ w.flatten().double() + bias
    labels = (logit < 0).long()
    labels[::10] = 1 - labels[::10]  # some are wrong from the start
    signed = torch.where(torch.arange(n) % 10 == 0, -logit.abs(), logit.abs())
    return linear(w, bias), LabelledImages(tuple(map(str, range(n))), pixels, labels), signed


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("batch", [1, 7, 250])
@pytest.mark.parametrize(("norm", "eps"), [("l2", 0.25), ("l2", 0.5), ("linf", 2 / 255)])
def test_robust_accuracy_counts_the_margins_wider_than_the_ball(
    norm: str, eps: float, batch: int, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "fastest", lambda _: precision)
    model, images, signed = near_a_plane()
    reach = eps * float((weight() / 4).norm(p=2 if norm == "l2" else 1))
    clear = (signed - reach).abs() > 0.03 * reach  # the others hang on the last digit
    kept = images.subset(clear.nonzero().flatten().tolist())
    expected = int((signed[clear] > reach).sum())
    assert 0 < expected < int((signed[clear] > 0).sum()) < len(kept)
    attack, ticks = Pgd(norm, eps, steps=20, step_size=eps / 8), []
    state = torch.get_rng_state()
    found = robust_accuracy(model, kept, attack=attack, seed=0, batch=batch, tick=ticks.append)
    assert found == Accuracy(expected, len(kept))
    assert sum(ticks) == len(kept)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("precision", "passes"), [("float32", 7), ("bfloat16", 12)])
def test_a_gradient_in_float32_brings_its_answers(
    precision: str, passes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five steps: clean and last answers, and in bfloat16 each step's beside its gradient."""
    monkeypatch.setattr(evaluate, "fastest", lambda _: precision)
    model, images, signed = near_a_plane()
    safe = images.subset((signed > 0.2).nonzero().flatten().tolist())
    seen: list[int] = []
    model.register_forward_hook(lambda *_: seen.append(1))
    robust_accuracy(model, safe, attack=Pgd(eps=0.01, step_size=0.002, steps=5), seed=0)
    assert len(seen) == passes


@pytest.mark.parametrize("steps", [0, 2])
def test_robust_accuracy_without_a_ball_is_accuracy(steps: int) -> None:
    model, images, signed = near_a_plane()
    attack = Pgd(eps=0.0, step_size=0.0, steps=steps)
    found = robust_accuracy(model, images, attack=attack, seed=0)
    assert found == accuracy(model, images) == Accuracy(int((signed > 0).sum()), 200)


class Shell(nn.Module):
    """Two classes by the sum of the pixels: 1 within a span and 0 on either side of it.

    Its gradient is that of the sum itself, so that an attack on class 0 goes through the span and
    out again.
    """

    def __init__(self, span: tuple[float, float]) -> None:
        super().__init__()
        self.span, self.pixel = span, nn.Parameter(torch.ones(()), requires_grad=False)

    def forward(self, images: Tensor) -> Tensor:
        total = (self.pixel * images).flatten(1).sum(1)
        inside = ((total > self.span[0]) & (total < self.span[1])).float() - 0.5
        return torch.stack([torch.zeros_like(total), inside + total - total.detach()], dim=1)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("span", "survivors"),
    [((0.4, 0.6), 0), ((0.0, 0.2), 0), ((0.9, 2.0), 0), ((1.1, 2.0), 6), ((-2.0, -1.1), 6)],
)
def test_a_picture_is_lost_at_its_first_wrong_answer(
    span: tuple[float, float], survivors: int, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spans in units of the way the attack goes, in steps of an eighth of it."""
    monkeypatch.setattr(evaluate, "fastest", lambda _: precision)
    pixels = torch.full((6, *SHAPE), 128, dtype=torch.uint8)
    images = LabelledImages(tuple(map(str, range(6))), pixels, torch.zeros(6).long())
    start, eps = float(to_float(pixels[:1]).sum()), 0.5
    way = eps * math.sqrt(math.prod(SHAPE))  # in the sum of the pixels
    model = Shell((start + span[0] * way, start + span[1] * way))
    attack = Pgd(eps=eps, step_size=eps / 8, steps=20)
    assert robust_accuracy(model, images, attack=attack, seed=0) == Accuracy(survivors, 6)


def test_a_network_that_is_always_wrong_survives_nothing() -> None:
    images = toy_images(6)
    wrong = LabelledImages(images.ids, images.pixels, (images.labels + 1) % 3)
    assert robust_accuracy(brightest_channel(), wrong, attack=Pgd(), seed=0) == Accuracy(0, 6)


def brightest_channel() -> nn.Module:
    last = nn.Linear(3, 3, bias=False)
    nn.init.eye_(last.weight)
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), last).requires_grad_(False)


@pytest.mark.parametrize("batch", [1, 4, 30, 500])
@pytest.mark.parametrize("wrong", [0, 1, 7, 30])
def test_accuracy_counts_right_answers(wrong: int, batch: int) -> None:
    images = toy_images(30)
    labels = images.labels.clone()
    labels[:wrong] = (labels[:wrong] + 1) % 3
    changed = LabelledImages(images.ids, images.pixels, labels)
    found = accuracy(brightest_channel(), changed, batch=batch)
    assert found == Accuracy(30 - wrong, 30)
    assert found.rate == (30 - wrong) / 30


def test_the_step_is_the_robustness_library_s_own() -> None:
    assert math.isclose(Pgd().step_size, 2.5 * Pgd().eps / Pgd().steps)
    assert set(STEPS) == {"l2", "linf"}


@pytest.mark.parametrize(
    ("part", "name", "side", "classes"),
    [("cifar_models", "resnet18", 32, 10), ("cifar_models", "vgg11", 32, 10),
     ("imagenet_models", "alexnet", 224, 1000), ("imagenet_models", "resnet18", 224, 1000)],
)  # fmt: skip
def test_the_library_s_networks_run_without_a_gpu(
    part: str, name: str, side: int, classes: int
) -> None:
    models = library(part)
    net = getattr(models, name)().eval()
    with torch.no_grad():
        assert net(draw(2, 3, side, side)).shape == (2, classes)


def test_the_library_s_data_sets_are_known() -> None:
    cifar = library("datasets").DATASETS["cifar"]
    assert cifar is library("datasets").CIFAR
    ranges = library("tools.constants").RESTRICTED_IMAGNET_RANGES
    assert len(ranges) == 9 and ranges[0] == (151, 268)  # nine classes, dogs first
    assert "torchvision.models.utils" not in sys.modules


def test_no_other_part_of_the_library_is_offered() -> None:
    with pytest.raises(ValueError, match=f"choose one of {', '.join(LIBRARY)}"):
        library("train")
