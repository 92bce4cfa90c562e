"""Edits of a perturbation between crafting and showing: bands, shifts, another picture's.

They ask which part of a perturbation carries its transfer. ``low`` and ``high`` keep a band of
spatial frequencies, and with it a part of the norm. ``shift`` moves the perturbation against the
picture, circularly: norm and power spectrum stay, only where the lattice of a strided layer falls
changes. Odena et al. 2016 conjecture that such lattices carry adversarial examples and leave it
open; a shift by the stride itself, which keeps the lattice, is the control. ``swap`` puts
the perturbation of the next picture of another class on this one: what still fools is universal
(Moosavi-Dezfooli et al. 2017), neither this picture's nor its class's.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from bench.spectrum import frequency


@dataclass(frozen=True)
class Edit:
    """One edit.

    Attributes:
        kind: ``whole`` (no edit), ``low`` and ``high`` (frequencies up to, and above, ``amount``
            cycles per pixel), ``shift`` (by ``amount`` pixels down and to the right) or ``swap``.
        amount: see ``kind``.
    """

    kind: str
    amount: float = 0

    @property
    def condition(self) -> str:
        """The edit's part of the rows' condition: ``low_0.125``, ``shift_1``, ``swap``."""
        return f"{self.kind}_{self.amount:g}" if self.amount else self.kind


def edited(
    images: Float[Tensor, "b 3 h w"],
    clean: Float[Tensor, "b 3 h w"],
    labels: Int64[Tensor, " b"],
    edit: Edit,
) -> Float[Tensor, "b 3 h w"]:
    """The clean pictures with their edited perturbations, clipped to [0,1].

    Args:
        images: the perturbed pictures.
        clean: the same without perturbation.
        labels: their classes, which ``swap`` alone looks at.
        edit: what is done.

    Raises:
        ValueError: an unknown kind.
    """
    if edit.kind not in _KINDS:
        raise ValueError(f"no edit {edit.kind}: {', '.join(_KINDS)} are known")
    return (clean + _KINDS[edit.kind](images - clean, edit.amount, labels)).clamp(0, 1)


def low_passed(delta: Float[Tensor, "b 3 h w"], cutoff: float) -> Float[Tensor, "b 3 h w"]:
    """The frequencies up to ``cutoff`` cycles per pixel, in any direction; the mean is one."""
    height, width = delta.shape[-2:]
    kept = (frequency(height, width) <= cutoff).to(delta.device)
    passed: Tensor = torch.fft.ifft2(torch.fft.fft2(delta) * kept).real.to(delta)
    return passed


def high_passed(delta: Float[Tensor, "b 3 h w"], cutoff: float) -> Float[Tensor, "b 3 h w"]:
    """What ``low_passed`` takes away: the frequencies above ``cutoff``."""
    return delta - low_passed(delta, cutoff)


def shifted(delta: Float[Tensor, "b 3 h w"], pixels: float) -> Float[Tensor, "b 3 h w"]:
    """Moved down and to the right; what leaves on one side comes in on the other."""
    return delta.roll((int(pixels), int(pixels)), dims=(2, 3))


def swapped(
    delta: Float[Tensor, "b 3 h w"], labels: Int64[Tensor, " b"]
) -> Float[Tensor, "b 3 h w"]:
    """For each picture what belongs to the next one of another class, round the end if need be.

    Where all are of one class, the next one of all.
    """
    n = len(labels)
    after = (torch.arange(n)[:, None] + torch.arange(1, n + 1)[None]) % n
    other = labels.cpu()[after] != labels.cpu()[:, None]
    first = other.int().argmax(dim=1)  # 0, the very next one, where none is of another class
    return delta[after[torch.arange(n), first].to(delta.device)]


_KINDS: dict[str, Callable[[Tensor, float, Tensor], Tensor]] = {
    "whole": lambda delta, _, __: delta,
    "low": lambda delta, cutoff, _: low_passed(delta, cutoff),
    "high": lambda delta, cutoff, _: high_passed(delta, cutoff),
    "shift": lambda delta, pixels, _: shifted(delta, pixels),
    "swap": lambda delta, _, labels: swapped(delta, labels),
}
