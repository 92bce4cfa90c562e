"""The run's figures on the page: which, in what order, in what words, and within how many bytes."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from results.store import StoreError

_WIDE = 1100  # pixels: a figure of the page's full width, or half of it on a fine screen
_QUALITY = 80  # of WebP
_MOST = 1_500_000  # bytes of all figures; gallery, scripts and numbers take six more, at most

# name or its beginning: what is seen, for whoever does not see it; and how to read it
_WORDS: Mapping[str, tuple[str, str]] = {
    "verdicts": (
        "Forest plot, one line a hypothesis, coloured by its verdict",
        "Effects of all hypotheses in units of what would matter, with 95 % intervals; the claimed "
        "direction is right.",
    ),
    "scatter": (
        "Two scatters of models: style progress, and stride-locked peaks, against fooling rate",
        "Style against transfer from the source, 95 % bars; rho and line leave the source and "
        "its seeds out.",
    ),
    "nonrobust": (
        "Scatter of models: transfer against what is learned from non-robust features",
        "The figure of Ilyas et al. 2019, once more.",
    ),
    "factory": (
        "Lines over ways to downsample, one a kind of matched net, a panel a score",
        "What residual connections, batch norm and downsampling do, everything else equal; small "
        "points are seeds.",
    ),
    "ladder": (
        "Lines over the eps of adversarial training, one an architecture",
        "How much robust training is enough: scores against the eps trained at.",
    ),
    "pareto": (
        "Scatter of style progress against content kept, with each model's Pareto front",
        "What each network gives over the whole grid of style weights.",
    ),
    "layers": (
        "Lines over depth, one a model: how far an adversary moves each layer",
        "Layer robustness R(f), lower is more robust (Ilyas et al. 2019, reply to Nakano).",
    ),
    "robustness": (
        "Falling curves, one a model: accuracy against eps",
        "Robust accuracy by the nearest error that any search found.",
    ),
    "matrix": (
        "Heat map of fooling rates, sources by targets, clustered",
        "Transfer between all pairs of networks.",
    ),
    "conditions": (
        "Fooling rates of each model under each attack", "Every attack from the source.",
    ),
    "attack-curve": (
        "Rising curves, one a model: fooling rate against iterations of the attack",
        "How fast an attack comes to transfer.",
    ),
    "convergence": (
        "Falling curves, one a model: relative style loss against gradient evaluations",
        "Style loss at equal numbers of gradients.",
    ),
    "spectra": (
        "Curves, one a model: radial power of its pictures, with marks at the periods of strides",
        "Radial power spectra; peaks at the marks are checkerboards.",
    ),
    "edits": (
        "Fooling rates of the source's perturbations, whole, filtered and shifted",
        "Which part of a perturbation transfers.",
    ),
    "judges": (
        "Heat map: each network as the judge of the others' pictures",
        "Whether the judge decides who wins.",
    ),
    "lattices": (
        "Predicted unevenness of strides against measured peaks",
        "Whether peaks follow strides, kernels and pools.",
    ),
    "taps": (
        "Differences from the matched taps, one line a choice of taps",
        "Which layers carry style and content: single taps and subsets against all of them.",
    ),
    "features": (
        "High frequencies and spectral slope of what excites each network",
        "What excites channels and logits, with priors and without (Engstrom et al. 2019).",
    ),
    "activations": (
        "Falling lines over depth, one a network: entropy of activations",
        "How even activations are: residual connections are said to lower it (Wang et al. 2021).",
    ),
    "article": (
        "Grid of stylised pictures, models by style weights",
        "Pictures under the article's own taps.",
    ),
}  # fmt: skip
_ELSEWHERE = ("pictures",)  # the gallery has them, and larger


@dataclass(frozen=True)
class Drawn:
    """A figure on the page.

    Attributes:
        name: of its file.
        uri: the figure as a data URI.
        width: in pixels of the page, a hundred an inch, so that letters are of one size.
        alt: what is seen.
        caption: how to read it.
    """

    name: str
    uri: str
    width: int
    alt: str
    caption: str


def on_page(files: Mapping[str, Path], *, most: int = _MOST) -> tuple[list[Drawn], list[str]]:
    """The figures that fit, the most telling ones first, and the names of those that do not.

    Args:
        files: PNG by name of figure.
        most: bytes of all data URIs.

    Raises:
        StoreError: a file is damaged or gone.
    """
    shown, left, size = [], [], 0
    for name in sorted(set(files) - set(_ELSEWHERE), key=_place):
        uri, width = _shrunk(files[name])
        if size + len(uri) > most:
            left.append(name)
            continue
        size += len(uri)
        shown.append(Drawn(name, uri, width, *_words(name)))
    return shown, left


def _kind(name: str) -> str:
    """The longest known beginning of a name; itself where none is known."""
    known = [kind for kind in _WORDS if name == kind or name.startswith(f"{kind}-")]
    return max(known, key=len, default=name)


def _place(name: str) -> tuple[int, str]:
    kinds = list(_WORDS)
    return (kinds.index(_kind(name)) if _kind(name) in kinds else len(kinds), name)


def _words(name: str) -> tuple[str, str]:
    kind = _kind(name)
    alt, caption = _WORDS.get(kind, (f"Figure {name}", ""))
    more = name.removeprefix(kind).removeprefix("-")
    return (f"{alt} ({more})" if more else alt), caption


def _shrunk(file: Path) -> tuple[str, int]:
    """A figure as a data URI, and its width on the page: half of its 200 dpi."""
    buffer = BytesIO()
    try:
        with Image.open(file) as opened:
            width = opened.width // 2
            opened.thumbnail((_WIDE, 4 * _WIDE), Image.Resampling.LANCZOS)
            opened.convert("RGB").save(buffer, "WEBP", quality=_QUALITY)
    except OSError as error:
        raise StoreError(f"{file} is damaged or gone ({error}): analyse the run again") from error
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}", width
