"""How near two pictures are without any network: palettes, structural similarity, edges."""

import torch
from jaxtyping import Float
from skimage.filters import sobel
from skimage.metrics import structural_similarity
from torch import Tensor

from bench.spectrum import check_pictures, luma

_SSIM_WINDOW = 11
_NO_EDGE = 1e-9  # rounding


def palette_distance(
    a: Float[Tensor, "b 3 h1 w1"], b: Float[Tensor, "b 3 h2 w2"]
) -> Float[Tensor, " b"]:
    """Squared 2-Wasserstein distance between Gaussians fitted to the colours of two pictures.

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2) with m the mean and S the 3x3 covariance
    over pixels (Dowson and Landau 1982). Where the pixels are is ignored, so the sizes may differ.
    Computed on the CPU in float64, in squared units of the pixels ([0, 1]^2); never negative, 0 for
    equal palettes. A pair with NaN or infinity in it gives NaN.

    Raises:
        ValueError: shapes other than "b 3 h w", empty pictures or unequal batches.
    """
    _check(a, b)
    mean_a, covariance_a = _palette(a)
    mean_b, covariance_b = _palette(b)
    # tr (S1^1/2 S2 S1^1/2)^1/2 is the sum of the singular values of S1^1/2 S2^1/2; taken so, no
    # root is taken of a rounded zero, and a grey picture (rank 1) is at distance 0 from itself.
    product = _square_root(covariance_a) @ _square_root(covariance_b)
    finite = product.isfinite().all(dim=2).all(dim=1)
    overlap = torch.linalg.svdvals(product.nan_to_num(0.0, 0.0, 0.0)).sum(dim=1)
    spread = _trace(covariance_a) + _trace(covariance_b) - 2 * overlap
    distance = (mean_a - mean_b).square().sum(dim=1) + spread.clamp(min=0)
    return torch.where(finite, distance, torch.nan)


def content_ssim(a: Float[Tensor, "b 3 h w"], b: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
    """Mean structural similarity of the luma of two pictures, -1 .. 1, 1 for equal pictures.

    Wang et al. 2004: Gaussian window of sigma 1.5 cut to 11x11, K1 = .01, K2 = .03, range 1,
    population covariances. Rec. 601 luma, not reduced in size first. Float64, on the CPU. A pair
    with NaN or infinity in it gives NaN.

    Args:
        a: pixels in [0, 1].
        b: pixels in [0, 1], of the same shape.

    Raises:
        ValueError: unequal shapes, or a side under the window's 11 pixels.
    """
    _check_shapes(a, b)
    scores = [_ssim(x, y) for x, y in zip(luma(a), luma(b), strict=True)]
    return torch.tensor(scores, dtype=torch.float64)


def content_edges(a: Float[Tensor, "b 3 h w"], b: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
    """Mean structural similarity of the Sobel gradients' lengths, -1 .. 1, 1 for equal edges.

    After Chen et al. 2006 (gradient-based SSIM); the range is the longer of the two pictures'
    longest gradients, so that shared contrast does not count. Else as `content_ssim`.

    Raises:
        ValueError: as `content_ssim`.
    """
    _check_shapes(a, b)
    scores = [_edge_ssim(x, y) for x, y in zip(luma(a), luma(b), strict=True)]
    return torch.tensor(scores, dtype=torch.float64)


def _check_shapes(a: Tensor, b: Tensor) -> None:
    _check(a, b)
    if a.shape != b.shape:
        raise ValueError(f"SSIM needs equal shapes, got {tuple(a.shape)} and {tuple(b.shape)}.")
    if min(a.shape[2:]) < _SSIM_WINDOW:
        raise ValueError(
            f"SSIM needs sides of at least {_SSIM_WINDOW} pixels, got {a.shape[2]}x{a.shape[3]}."
        )


def _check(a: Tensor, b: Tensor) -> None:
    check_pictures(a)
    check_pictures(b)
    if len(a) != len(b):
        raise ValueError(f"Pictures are compared pairwise, got batches of {len(a)} and {len(b)}.")


def _palette(images: Float[Tensor, "b 3 h w"]) -> tuple[Tensor, Tensor]:
    """Mean "b 3" and population covariance "b 3 3" of the colours."""
    colours = images.detach().to("cpu", torch.float64).flatten(2)
    mean = colours.mean(dim=2)
    centred = colours - mean[:, :, None]
    return mean, centred @ centred.mT / colours.shape[2]


def _square_root(covariance: Float[Tensor, "b 3 3"]) -> Float[Tensor, "b 3 3"]:
    """Symmetric root by eigendecomposition; NaN throughout for a matrix that is not finite."""
    finite = covariance.isfinite().all(dim=2).all(dim=1)[:, None, None]
    values, vectors = torch.linalg.eigh(covariance.where(finite, torch.zeros_like(covariance)))
    root: Tensor = vectors * values.clamp(min=0).sqrt()[:, None, :] @ vectors.mT
    return root.where(finite, torch.full_like(root, torch.nan))


def _trace(matrices: Float[Tensor, "b 3 3"]) -> Float[Tensor, " b"]:
    return torch.einsum("bii->b", matrices)


def _ssim(a: Float[Tensor, "h w"], b: Float[Tensor, "h w"], *, data_range: float = 1.0) -> float:
    if not (a.isfinite().all() and b.isfinite().all()):
        return float("nan")
    score = structural_similarity(
        a.numpy(), b.numpy(), data_range=data_range, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False,
    )  # fmt: skip
    return float(score)


def _edge_ssim(a: Float[Tensor, "h w"], b: Float[Tensor, "h w"]) -> float:
    edges = [torch.from_numpy(sobel(x.numpy())) for x in (a, b)]
    longest = max(float(x.max()) for x in edges)
    return 1.0 if longest < _NO_EDGE else _ssim(*edges, data_range=longest)
