"""The style laboratory: named conditions, each a few suites and the models that need them.

``python -m bench style --condition NAME`` does one on any models; the preset ``style-lab`` does
all of them, each on its own models and pictures.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from bench.cells import Cell
from bench.featurevis import VisSettings
from bench.smoothing import DOWNSCALED
from bench.style_settings import StyleSettings
from bench.suite import Suite
from bench.suite_activations import Activations
from bench.suite_coverage import Coverage
from bench.suite_features import Features
from bench.suite_style import Style
from zoo.spec import ModelSpec, operated
from zoo.surgery import operate
from zoo.taps import skeleton


@dataclass(frozen=True)
class Experiment:
    """Suites that belong together, and whom they are for.

    Attributes:
        about: one line for ``--help``.
        models: names; None = every model of a run.
        seeds: whether further seeds of a model take part where none are named.
        surgery: what is done to each model first; models it would not change are left out.
    """

    about: str
    suites: tuple[Suite, ...]
    models: tuple[str, ...] | None = None
    seeds: bool = False
    surgery: tuple[str, ...] = ()

    def cells(self, models: tuple[ModelSpec, ...], *, seed: int) -> tuple[Cell, ...]:
        """The plan for those of these models that take part."""
        chosen = [spec for spec in models if self._takes(spec)]
        return tuple(
            Cell(operated(spec, *self.surgery), suite, seed)
            for spec in chosen
            for suite in self.suites
            if not isinstance(suite, Style) or suite.fits(spec)
        )

    def at_size(self, size: int) -> "Experiment":
        """The same with style transfer on pictures of another size."""
        suites = (s.at_size(size) if isinstance(s, Style) else s for s in self.suites)
        return replace(self, suites=tuple(suites))

    def _takes(self, spec: ModelSpec) -> bool:
        named = spec.name in self.models if self.models else self.seeds or spec.seed == 0
        return named and (not self.surgery or bool(operate(skeleton(spec), self.surgery)))


def _style(
    *, styles: int | None = None, weights: tuple[float, ...] = (100.0,), **settings: Any
) -> Style:
    return Style(StyleSettings(weights=weights, evaluations=100, **settings), styles=styles)


_TWO = ("vgg_c10.standard", "resnet50_c10.standard")
_THREE = (*_TWO, "resnet50_c10.l2_05")
_FOUR = (*_THREE, "inception_c10.standard")
_SMOOTHED = (*_THREE, "resnet18_c10.standard", "densenet_c10.standard")
_BOTH_ENDS = (1.0, 100.0)
_SEARCHED = (1.0, 10.0, 100.0, 1000.0)
# each layer weighs so many times the one before it; (1.0,) is all layers alike
_LAYERS = ((1.0,), *(tuple(ratio**i for i in range(1, 5)) for ratio in (0.25, 0.5, 2.0, 4.0)))
_SUBSETS = ("0+1", "0+1+2", "0+1+2+3", "2+3+4", "3+4")
_PRIORS: Mapping[str, Any] = {"parameterization": "fourier-decorrelated", "transforms": True}


def _surgery(name: str, about: str) -> Experiment:
    return Experiment(about, (_style(), Coverage()), surgery=(name,))


CONDITIONS: Mapping[str, Experiment] = MappingProxyType(
    {
        "plain": Experiment(
            "style transfer on the pixels", (_style(weights=_BOTH_ENDS),), seeds=True
        ),
        "texture": Experiment(
            "noise to texture, no content", (_style(weights=(1.0,), start="noise", texture=True),)
        ),
        "fourier": Experiment(
            "Fourier coefficients", (_style(parameterization="fourier"),), _FOUR
        ),
        "fourier-decorrelated": Experiment(
            "Fourier coefficients of decorrelated colours",
            (_style(parameterization="fourier-decorrelated"),), _FOUR,
        ),
        "pixel+transforms": Experiment("random views", (_style(transforms=True),), _FOUR),
        "fourier-decorrelated+transforms": Experiment("both", (_style(**_PRIORS),), _FOUR),
        "average-pool": _surgery("average-pool", "average for max pools"),
        "blur-pool": _surgery("blur-pool", "blurred max pools"),
        "box-kernels": _surgery("box-kernels", "strided kernels averaged over their stride"),
        "pad-kernels": _surgery("pad-kernels", "strided kernels padded with zeros: a control"),
        "article-taps": Experiment("the article's own taps", (_style(taps="article"),)),
        "without-first": Experiment(
            "no full-resolution tap", (_style(taps="without-first"),)
        ),
        "single-taps": Experiment(
            "style from one tap", tuple(_style(taps=f"single/{k}") for k in range(5)), _THREE
        ),
        "tap-subsets": Experiment(
            "style from some taps", tuple(_style(taps=f"subset/{s}") for s in _SUBSETS), _TWO
        ),
        "content-taps": Experiment(
            "content from every tap", tuple(_style(content_tap=k) for k in range(4)), _TWO
        ),
        "softmax": Experiment(
            "smoothed maps", (_style(smoothing="softmax", weights=_BOTH_ENDS),), _SMOOTHED
        ),
        "softmax-channel": Experiment(
            "smoothed channels", (_style(smoothing="softmax-channel", weights=_BOTH_ENDS),),
            _SMOOTHED,
        ),
        "downscaled": Experiment(
            "late stages times .001", (_style(layer_weights=DOWNSCALED, weights=_BOTH_ENDS),),
            _SMOOTHED,
        ),
        "grid": Experiment(
            "style weight x layer weights, on one style",
            tuple(_style(styles=1, layer_weights=w, weights=_SEARCHED) for w in _LAYERS),
            (*_THREE, "resnet18_c10.standard"),
        ),
        "activations": Experiment("entropy and peakiness of every tap", (Activations(),)),
        "coverage": Experiment("stride lattices, predicted", (Coverage(),), seeds=True),
        "features": Experiment(
            "what excites channels and logits, without and with priors",
            (Features(VisSettings()), Features(VisSettings(**_PRIORS))), _FOUR,
        ),
    }
)  # fmt: skip
