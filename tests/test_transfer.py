from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bench.attacks import MI_DI_TI, PGD, Method
from bench.transfer import Attack, Crafted, answers, craft, facts
from tests.nets import linear

SHAPE = (4, 3, 8, 8)
GREY = torch.full(SHAPE, 0.5)
BUDGETS = [("l2", 0.5), ("linf", 8 / 255)]


def weight() -> Tensor:
    return torch.randn(SHAPE[1:], generator=torch.Generator().manual_seed(1))


def labels(model: torch.nn.Module, images: Tensor = GREY) -> Tensor:
    return answers(model, images)


@pytest.mark.parametrize(("norm", "eps"), BUDGETS)
@pytest.mark.parametrize("goal", ["untargeted", "targeted"])
def test_pgd_finds_the_optimum_of_a_linear_model(norm: str, eps: float, goal: str) -> None:
    w = weight()
    model = linear(w, bias=1.0 - float((w * 0.5).sum()))  # grey is of class 0, by a margin of 1
    attack = Attack(norm, eps, goal, steps=60, target=1 if goal == "targeted" else None)
    made = craft(model, GREY, labels(model), attack=attack, seed=0)
    direction = -w / w.norm() if norm == "l2" else -w.sign()
    expected = GREY + eps * direction
    torch.testing.assert_close(made, expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize(("norm", "eps"), BUDGETS)
@pytest.mark.parametrize("goal", ["untargeted", "noise"])
def test_pictures_stay_in_the_ball_and_in_range(norm: str, eps: float, goal: str) -> None:
    images = torch.rand(SHAPE, generator=torch.Generator().manual_seed(2))
    model = linear(weight())
    attack = Attack(norm, eps, goal, steps=5)
    made = craft(model, images, labels(model, images), attack=attack, seed=0)
    delta = (made - images).flatten(1)
    length = delta.norm(dim=1) if norm == "l2" else delta.abs().amax(1)
    assert made.min() >= 0
    assert made.max() <= 1
    assert (length <= eps * (1 + 1e-5)).all()


@pytest.mark.parametrize(("norm", "eps"), BUDGETS)
def test_noise_has_the_attack_s_own_norm(norm: str, eps: float) -> None:
    made = craft(linear(weight()), GREY, torch.zeros(4).long(), attack=Attack(norm, eps, "noise"),
                 seed=0)  # fmt: skip
    delta = (made - GREY).flatten(1)
    length = delta.norm(dim=1) if norm == "l2" else delta.abs().amax(1)
    torch.testing.assert_close(length, torch.full((4,), eps), rtol=1e-4, atol=0)


def test_the_same_seed_makes_the_same_pictures_and_leaves_the_generator_alone() -> None:
    model, attack = linear(weight()), Attack("l2", 0.5, "untargeted", steps=2)
    state = torch.get_rng_state()
    made = [craft(model, GREY, labels(model), attack=attack, seed=s) for s in (7, 7, 8)]
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("batch", [1, 3, 4])
def test_pictures_pass_in_batches_of_bounded_size(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    model = linear(weight(), bias=1.0 - float((weight() * 0.5).sum()))
    model.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    whole = craft(model, GREY, labels(model), attack=Attack("l2", 0.5, "untargeted", 60), seed=0)
    monkeypatch.setattr("bench.transfer.batch_of", lambda *_: batch)
    seen.clear()
    made = craft(model, GREY, labels(model), attack=Attack("l2", 0.5, "untargeted", 60), seed=0)
    assert max(seen) == batch
    torch.testing.assert_close(made, whole, atol=4e-3, rtol=0)  # other starts, the same optimum


@pytest.mark.parametrize("method", [PGD, MI_DI_TI], ids=lambda method: method.name)
@pytest.mark.parametrize(("norm", "eps"), BUDGETS)
def test_the_memory_does_not_change_the_pictures(
    norm: str, eps: float, method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten pictures in chunks of four; a network that is not linear, so that starts matter."""
    monkeypatch.setattr("bench.transfer.CHUNK", 4)
    generator = torch.Generator().manual_seed(3)
    images = 0.3 + 0.4 * torch.rand(10, *SHAPE[1:], generator=generator)
    steep = linear(20 * weight())
    model = torch.nn.Sequential(steep, torch.nn.Tanh()).eval()
    attack = Attack(norm, eps, "untargeted", steps=2, method=method)
    made = []
    for batch in (500, 4, 3, 1):
        monkeypatch.setattr("bench.transfer.batch_of", lambda *_, size=batch: size)
        made.append(craft(model, images, labels(model, images), attack=attack, seed=0))
    for other in made[1:]:
        torch.testing.assert_close(other, made[0], atol=1e-5, rtol=0)
    # equal pictures of different chunks, or rows, start elsewhere
    same = images[:1].expand(10, -1, -1, -1)
    apart = craft(model, same, labels(model, same), attack=replace(attack, steps=1), seed=0)
    assert torch.pdist(apart.flatten(1)).min() > 0


@pytest.mark.parametrize("attack", [Attack("l2", 1, "sideways"), Attack("l2", 1, "targeted")])
def test_an_attack_without_a_goal_is_refused(attack: Attack) -> None:
    with pytest.raises(ValueError, match="see Attack"):
        craft(linear(weight()), GREY, torch.zeros(4).long(), attack=attack, seed=0)


@pytest.mark.parametrize(
    ("attack", "condition"),
    [
        (Attack("l2", 0.5, "untargeted", steps=3), "l2_0.50/untargeted"),
        (Attack("linf", 8 / 255, "targeted", steps=3, target=4), "linf_0.031/targeted/4"),
        (Attack("l2", 0.25, "noise"), "l2_0.25/noise"),
    ],
)
def test_conditions_are_named(attack: Attack, condition: str) -> None:
    assert attack.condition == condition


class Fixed(torch.nn.Module):
    """Answers what it is told, whatever it sees."""

    def __init__(self, named: list[int]) -> None:
        super().__init__()
        self.logits = torch.nn.functional.one_hot(torch.tensor(named), 3).float()

    def forward(self, images: Tensor) -> Tensor:
        return self.logits


def test_facts_tell_same_mistakes_from_other_ones() -> None:
    truth = torch.tensor([0, 0, 0, 0])
    target, source = Fixed([0, 1, 1, 2]), torch.tensor([1, 1, 2, 2])
    crafted = Crafted(Attack("l2", 1, "targeted", target=1), GREY + 0.1, source)
    found = facts(target, GREY, truth, crafted)
    assert found["adv_correct"].tolist() == [True, False, False, False]
    assert found["adv_same_as_source"].tolist() == [False, True, False, True]
    assert found["adv_hits_target"].tolist() == [False, True, True, False]
    torch.testing.assert_close(found["perturbation_linf"], torch.full((4,), 0.1))
    torch.testing.assert_close(found["perturbation_l2"], torch.full((4,), 0.1 * 192**0.5))


def test_a_perturbation_below_half_a_level_dies_in_eight_bits() -> None:
    model = linear(torch.ones(SHAPE[1:]), bias=-192 * 128 / 255 + 1e-3)  # 128/255 is class 0
    clean = torch.full(SHAPE, 128 / 255)
    crafted = Crafted(Attack("linf", 0.001, "untargeted"), clean - 0.001, torch.zeros(4).long())
    found = facts(model, clean, torch.zeros(4).long(), crafted)
    assert not found["adv_correct"].any()
    assert found["adv_correct_8bit"].all()


@pytest.mark.parametrize(("moved", "level"), [(0.4, 0), (0.6, 1), (-0.4, 0), (-0.6, -1)])
def test_eight_bits_are_the_nearest_level(moved: float, level: int) -> None:
    """Neither cut off nor raised: the answer is that to the level, for the class aimed at, too."""
    clean = torch.full(SHAPE, 128 / 255)
    seen: list[Tensor] = []

    class Looks(Fixed):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(images)
            return super().forward(images)

    named = torch.zeros(len(clean)).long()
    crafted = Crafted(Attack("linf", 0.01, "targeted", target=1), clean + moved / 255, named)
    found = facts(Looks([1] * len(clean)), clean, named, crafted)
    torch.testing.assert_close(seen[1] * 255, torch.full(SHAPE, 128.0 + level))
    assert found["adv_hits_target_8bit"].all()
