"""What a network is shown in training: every picture once, cropped, flipped and attacked."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from tests.toys import SHORT, train
from zoo.datasets import LabelledImages
from zoo.recipes import Attack


class Shared(list[tuple[bool, bool, Tensor]]):
    """One list for a network and its copies."""

    def __deepcopy__(self, memo: object) -> "Shared":
        return self


class Spy(nn.Module):
    """A linear classifier that keeps what it is shown, and in which mode."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.linear = nn.Linear(3 * side * side, 3)
        self.shown: list[tuple[bool, bool, Tensor]] = Shared()

    def forward(self, x: Tensor) -> Tensor:
        self.shown.append((self.training, self.linear.weight.requires_grad, x.detach().clone()))
        return self.linear(x.flatten(1))


def test_crops_and_flips_are_what_they_claim(tmp_path: Path) -> None:
    side, n = 6, 320
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    one = torch.stack([20 * rows, 20 * columns, torch.full((side, side), 200)]).byte()
    images = LabelledImages(
        tuple(map(str, range(n))), one.expand(n, -1, -1, -1), torch.arange(n) % 3
    )
    spy = Spy(side)
    train(tmp_path, replace(SHORT, epochs=1), net=spy, images=images)
    padded = pad(one[None].float(), (2,) * 4, mode="reflect")[0] / 255
    crops = {
        (dy, dx, flip): crop.flip(-1) if flip else crop
        for dy in range(5) for dx in range(5) for flip in (False, True)
        for crop in [padded[:, dy : dy + side, dx : dx + side]]
    }  # fmt: skip
    shown = torch.cat([x for _, _, x in spy.shown])
    found = [[key for key, crop in crops.items() if torch.equal(x, crop)] for x in shown]
    assert [len(keys) for keys in found] == [1] * n
    assert {keys[0] for keys in found} == set(crops)  # all 50, and in 320 draws each is likely
    assert all(x.is_contiguous(memory_format=torch.channels_last) for *_, x in spy.shown)


def test_every_epoch_shows_every_picture_once_with_its_label(tmp_path: Path) -> None:
    pixels = torch.arange(64, dtype=torch.uint8).view(64, 1, 1, 1).expand(-1, 3, 8, 8)
    images = LabelledImages(tuple(map(str, range(64))), pixels, torch.arange(64) % 3)
    spy = Spy(8)
    train(tmp_path, replace(SHORT, epochs=2), net=spy, images=images)
    shown = (torch.cat([x[:, 0, 0, 0] for *_, x in spy.shown]) * 255).round().long().view(2, 64)
    assert shown.sort(dim=1).values.tolist() == [list(range(64))] * 2
    assert shown[0].tolist() != shown[1].tolist()


@pytest.mark.parametrize(("norm", "eps"), [("l2", 0.5), ("linf", 0.03)])
def test_the_adversary_stays_in_its_ball_and_leaves_the_network_as_it_was(
    norm: str, eps: float, tmp_path: Path
) -> None:
    grey = LabelledImages(("",) * 16, torch.full((16, 3, 8, 8), 51).byte(), torch.arange(16) % 3)
    spy = Spy(8)
    attack = Attack(norm, eps, steps=3, step_size=eps)
    train(tmp_path, replace(SHORT, epochs=1, attack=attack), net=spy, images=grey)
    modes = [(training, grad) for training, grad, _ in spy.shown]
    assert modes == [(False, False)] * 3 + [(True, True)]
    moved = (spy.shown[-1][2] - 0.2).flatten(1)
    length = moved.norm(dim=1) if norm == "l2" else moved.abs().amax(1)
    assert (length <= eps * 1.0001).all()
    assert (length > eps * 0.99).all()
    assert spy.training
    assert all(p.requires_grad for p in spy.parameters())
