"""The style laboratory: named conditions, each a few suites and the models that need them.

``python -m bench style --condition NAME`` does one on any models; the preset ``style-lab`` does
all of them, each on its own models and pictures.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from bench.experiment import Experiment
from bench.featurevis import VisSettings
from bench.smoothing import DOWNSCALED
from bench.style_settings import StyleSettings
from bench.suite import Suite
from bench.suite_activations import Activations
from bench.suite_coverage import Coverage
from bench.suite_features import Features
from bench.suite_judges import Judges
from bench.suite_style import Diagonal


def _style(
    *, pairs: int | None = 3, weights: tuple[float, ...] = (100.0,), **settings: Any
) -> Diagonal:
    """Three pairs of pictures; comparisons that carry a claim take all of them."""
    chosen = StyleSettings(weights=weights, evaluations=100, **settings)
    return Diagonal(chosen, contents=pairs, styles=pairs)


_TWO = ("vgg_c10.standard", "resnet50_c10.standard")
_THREE = (*_TWO, "resnet50_c10.l2_05")
_FOUR = (*_THREE, "inception_c10.standard")
# every architecture, where a claim is about those other than VGG
_SIX = (*_FOUR, "resnet18_c10.standard", "densenet_c10.standard")
# with residual connections and without, famous and matched
_FACTORY = tuple(f"matched_c10.res{residual}_max22_bn1" for residual in (0, 1))
_SMOOTHED = (*_THREE, "resnet18_c10.standard", "densenet_c10.standard", *_FACTORY)
_FAMOUS = ("contestant", "twin")
_TRAINED = (*_FAMOUS, "matched", "control")
_EVERY: Mapping[str, Any] = {"pairs": None}
_PLAIN = _style(**_EVERY)
_SEARCHED = (1.0, 10.0, 100.0, 1000.0, 10_000.0)
# each layer weighs so many times the one before it; (1.0,) is all layers alike
_LAYERS = ((1.0,), *(tuple(ratio**i for i in range(1, 5)) for ratio in (0.25, 4.0)))
_SUBSETS = ("0+1", "0+1+2", "0+1+2+3", "2+3+4", "3+4")
_PRIORS: Mapping[str, Any] = {"parameterization": "fourier-decorrelated", "transforms": True}


def _condition(
    about: str,
    suites: tuple[Suite, ...],
    models: tuple[str, ...] | None = None,
    roles: tuple[str, ...] = _TRAINED,
    *,
    seeds: bool = False,
    from_each: bool = False,
    untrained: bool | None = None,
) -> Experiment:
    """Further seeds of a model would be the same experiment again."""
    return Experiment(
        about, suites, models, roles, seeds=seeds, from_each=from_each, untrained=untrained
    )


def _surgery(name: str, about: str, **pictures: Any) -> Experiment:
    suites = (_style(**pictures), Coverage())
    return Experiment(about, suites, roles=_TRAINED, seeds=False, surgery=(name,), untrained=False)


CONDITIONS: Mapping[str, Experiment] = MappingProxyType(
    {
        "plain": _condition(
            "style transfer on the pixels", (_PLAIN,), roles=(*_FAMOUS, "replicate", "control"),
            seeds=True, untrained=False,
        ),
        "matched": _condition(
            "the same by the matched nets", (_style(),), roles=("matched",), seeds=True,
        ),
        "random-weights": _condition(
            "the same by untrained networks", (_PLAIN,), roles=("control",), untrained=True
        ),
        "judges": _condition(
            "every network judges the others' plain pictures", (Judges(_PLAIN),),
            roles=(*_FAMOUS, "control"), from_each=True,
        ),
        "texture": _condition(
            "noise to texture, no content", (_style(weights=(1.0,), start="noise", texture=True),),
            untrained=False,
        ),
        "fourier": _condition(
            "Fourier coefficients", (_style(parameterization="fourier"),), _FOUR
        ),
        "fourier-decorrelated": _condition(
            "Fourier coefficients of decorrelated colours",
            (_style(parameterization="fourier-decorrelated"),), _FOUR,
        ),
        "pixel+adam": _condition(
            "pixels by Adam, the control of random views", (_style(adam=True, **_EVERY),), _SIX
        ),
        "pixel+transforms": _condition("random views", (_style(transforms=True),), _FOUR),
        "fourier+transforms": _condition(
            "random views of Fourier coefficients",
            (_style(transforms=True, parameterization="fourier"),), _FOUR,
        ),
        "fourier-decorrelated+transforms": _condition(
            "random views, decorrelated colours", (_style(**_PRIORS, **_EVERY),), _SIX
        ),
        "average-pool": _surgery("average-pool", "average for max pools"),
        "blur-pool": _surgery("blur-pool", "blurred max pools"),
        "box-kernels": _surgery(
            "box-kernels", "strided kernels averaged over their stride", **_EVERY
        ),
        "pad-kernels": _surgery("pad-kernels", "strided kernels padded with zeros: a control"),
        "article-taps": _condition(
            "the article's own taps", (_style(taps="article"),), untrained=False
        ),
        "article-style-taps": _condition(
            "the article's style taps beside the matched content tap",
            (_style(taps="article", content_tap=4, **_EVERY),), _TWO,
        ),
        "without-first": _condition(
            "no full-resolution tap", (_style(taps="without-first"),),
            roles=(*_FAMOUS, "control"), untrained=False,
        ),
        "single-taps": _condition(
            "style from one tap", tuple(_style(taps=f"single/{k}") for k in range(5)), _THREE
        ),
        "tap-subsets": _condition(
            "style from some taps", tuple(_style(taps=f"subset/{s}") for s in _SUBSETS), _TWO
        ),
        "content-taps": _condition(
            "content from every tap", tuple(_style(content_tap=k) for k in range(4)), _TWO
        ),
        "softmax": _condition(
            "smoothed maps", (_style(smoothing="softmax"),), _SMOOTHED
        ),
        "softmax-channel": _condition(
            "smoothed channels", (_style(smoothing="softmax-channel"),),
            _SMOOTHED,
        ),
        "softmax-tempered": _condition(
            "maps smoothed at a temperature of their own scale",
            (_style(smoothing="softmax-tempered"),), _SMOOTHED,
        ),
        "downscaled": _condition(
            "late stages times .001", (_style(layer_weights=DOWNSCALED),),
            _SMOOTHED,
        ),
        "grid": _condition(
            "style weight x layer weights, which smoothing is held against",
            tuple(_style(layer_weights=w, weights=_SEARCHED) for w in _LAYERS),
            (*_SIX, *_FACTORY),
        ),
        "activations": _condition(
            "entropy and peakiness of every tap", (Activations(),),
        ),
        "coverage": _condition(
            "stride lattices, predicted", (Coverage(),), seeds=True
        ),
        "features": _condition(
            "what excites channels and logits, without and with priors",
            (Features(VisSettings()), Features(VisSettings(**_PRIORS))),
            roles=(*_FAMOUS, "control"), untrained=False,
        ),
    }
)  # fmt: skip
