"""Activations as maps "b c h w", however a network lays them out."""

from torch import Tensor


def as_map(activation: Tensor, height: int, width: int, *, prefix: int = 0) -> Tensor | None:
    """An activation with its channels first; None where it has no positions of the picture's.

    Some networks keep channels last, transformers keep a list of patches. A map has about the
    picture's proportions; the channels' side has not.

    Args:
        height, width: of the picture, pixels.
        prefix: tokens in front of the patches that stand for no place (classes, registers).
    """
    match activation.dim():
        case 2:
            return activation  # a layer without positions
        case 3:
            return _of_patches(activation, height, width, prefix)
        case 4:
            _, a, b, c = activation.shape
            first, last = abs(b * width - c * height), abs(a * width - b * height)
            return activation.movedim(-1, 1) if last < first else activation
    return None


def _of_patches(tokens: Tensor, height: int, width: int, prefix: int) -> Tensor | None:
    # some networks add their prefix behind the tap: then all tokens are patches
    for skipped in dict.fromkeys((prefix, 0)):
        patches = tokens[:, skipped:].mT
        count = patches.shape[-1]
        rows = max(1, round((count * height / width) ** 0.5))
        if rows * (columns := count // rows) == count and _alike(rows, columns, height, width):
            return patches.reshape(*patches.shape[:2], rows, columns)
    return None


def _alike(rows: int, columns: int, height: int, width: int) -> bool:
    """Whether a grid has the picture's proportions, as far as whole patches can."""
    return abs(rows * width - columns * height) <= max(width, height)
