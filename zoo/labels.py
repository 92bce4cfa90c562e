"""Label spaces: which classes a model answers with, and how one space is read in another."""

from collections.abc import Iterable, Sequence
from functools import cache

import torch
from jaxtyping import Float, Int64
from timm.data import ImageNetInfo
from torch import Tensor, nn

# Restricted ImageNet (Ilyas et al. 2019; the robustness library's label order): first and last
# class of ImageNet in each of the nine
RESTRICTED = {
    "dog": (151, 268),
    "cat": (281, 285),
    "frog": (30, 32),
    "turtle": (33, 37),
    "bird": (80, 100),
    "primate": (365, 382),
    "fish": (389, 397),
    "crab": (118, 121),
    "insect": (300, 319),
}
_COARSER = {"imagenet": "restricted_imagenet"}


class LabelError(ValueError):
    """Models and pictures whose classes do not compare; the message says what to do."""


@cache
def wordnet_ids() -> tuple[str, ...]:
    """ImageNet's 1,000 classes in their order, by WordNet id (``n01440764``)."""
    return tuple(ImageNetInfo("imagenet-1k").label_names())


def restricted(labels: Int64[Tensor, " n"]) -> Int64[Tensor, " n"]:
    """ImageNet's classes as the nine, 0..8; -1 for classes outside all nine."""
    nine = torch.full_like(labels, -1)
    for i, (first, last) in enumerate(RESTRICTED.values()):
        nine[(labels >= first) & (labels <= last)] = i
    return nine


class Grouped(nn.Module):
    """1,000 logits as nine: the log of the summed probability, up to a constant."""

    def forward(self, logits: Float[Tensor, "b 1000"]) -> Float[Tensor, "b 9"]:
        """Logits of ImageNet to logits of Restricted ImageNet."""
        groups = [logits[:, first : last + 1] for first, last in RESTRICTED.values()]
        return torch.stack([group.logsumexp(1) for group in groups], 1)


def common_space(spaces: Iterable[str]) -> str:
    """The space all these answers can be read in: the only one, or the coarser of two.

    Raises:
        LabelError: there is none.
    """
    found = sorted(set(spaces))
    if len(found) == 1:
        return found[0]
    coarser = {_COARSER.get(space, space) for space in found}
    if len(coarser) == 1:
        return coarser.pop()
    raise LabelError(
        f"answers in {' and '.join(found)} do not compare: choose --models (and a --preset) of one "
        "of them"
    )


def answering_in(model: nn.Module, own: str, space: str) -> nn.Module:
    """The model with its answers in another space.

    Raises:
        LabelError: its classes cannot be read there.
    """
    if own == space:
        return model
    if _COARSER.get(own) == space:
        return nn.Sequential(model, Grouped()).eval()
    raise LabelError(f"answers in {own} cannot be read in {space}: choose pictures of {own}")


def index_of(names: Sequence[str]) -> list[int]:
    """The ImageNet class behind each position of a data set's own list of class names.

    Args:
        names: 1,000 of them, which are taken to be in ImageNet's order, or any WordNet ids.

    Raises:
        LabelError: neither.
    """
    known = {name: i for i, name in enumerate(wordnet_ids())}
    if all(name in known for name in names):
        return [known[name] for name in names]
    if len(names) == len(known):
        return list(range(len(names)))
    raise LabelError(
        f"{len(names)} classes such as {', '.join(names[:3])} are not ImageNet's 1,000: name them "
        "by their WordNet ids (n01440764)"
    )
