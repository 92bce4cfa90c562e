"""The attack lens: robustness, layers, and transfer between all pairs, as experiments."""

from dataclasses import replace

from bench.attacks import DI, LOGIT, MI, MI_DI_TI, PGD, TI
from bench.distances import Search
from bench.edits import Edit
from bench.experiment import Experiment
from bench.suite_edits import Edits
from bench.suite_layers import Layers
from bench.suite_mediators import Alignment, Sensitivity
from bench.suite_robustness import Robustness
from bench.suite_transfer import Transfer
from bench.transfer import Attack

_HEADLINE = Attack("l2", 0.5, "untargeted", steps=40)


def _attacks() -> tuple[Attack, ...]:
    """Every method at one budget, PGD at others, curves, and targets for plain and logit loss."""
    methods = (PGD, MI, DI, TI, MI_DI_TI)
    curve = (5, 10, 20, 80)
    return (
        *(replace(_HEADLINE, method=method) for method in methods),
        *(replace(_HEADLINE, steps=n, method=m) for n in curve for m in (PGD, MI_DI_TI)),
        *(Attack("l2", eps, "untargeted", steps=40) for eps in (0.25, 1.0)),
        *(Attack("linf", 8 / 255, "untargeted", steps=40, method=m) for m in (PGD, MI_DI_TI)),
        # the logit loss is said to need some hundred steps; the same targets at each number
        *(Attack("l2", 0.5, "targeted", n, target, m) for target in (0, 6)
          for n, m in ((80, PGD), (20, LOGIT), (80, LOGIT), (300, LOGIT))),
        *(Attack("l2", eps, "noise") for eps in (0.25, 0.5, 1.0)),
        Attack("linf", 8 / 255, "noise"),
    )  # fmt: skip


# HopSkipJump sees gross masking only, which thirty pictures show
_SEARCHES = (
    Search("l2", "pgd", steps=20, eps=(0.1, 0.25, 0.5, 1.0, 2.0), restarts=2),
    Search("l2", "ddn", steps=50),
    Search("l2", "hop_skip_jump", steps=10, first=30),
    Search("linf", "pgd", steps=20, eps=tuple(k / 255 for k in (1, 2, 4, 8, 16)), restarts=2),
    Search("linf", "fmn", steps=50),
    Search("linf", "hop_skip_jump", steps=10, first=30),
)
_LAYERS = Layers(eps=(0.05, 0.1, 0.25, 0.5, 1.0), steps=20)
# what verdicts read, by the cheapest search and at one radius
_FEW = (Robustness((Search("l2", "ddn", steps=50),)), Layers(eps=(0.1,), steps=20))
_BANDS = tuple(Edit(kind, cutoff) for kind in ("low", "high") for cutoff in (1 / 16, 1 / 8, 1 / 4))
# shifts by 2 and 8 keep the lattices of strides 2 and 8, a shift by 1 keeps none
_SHIFTS = tuple(Edit("shift", pixels) for pixels in (1, 2, 8))
_FEW_EDITS = (
    Edit("whole"), Edit("low", 1 / 8), Edit("high", 1 / 8), *_SHIFTS[:2], Edit("swap"),
)  # fmt: skip
_ENSEMBLE = ("resnet50_c10.standard", "densenet_c10.standard", "inception_c10.standard")
_UNTRAINED = ("resnet50_c10.random",)  # a floor: its perturbations hold nothing learned
# with the control AlexNet; the other controls are untrained, and left out where that is said
_TRAINED = ("contestant", "twin", "control")
#: one net a way of downsampling, with and without additions: batch norm and seed held fixed
LATTICES = tuple(
    f"matched_c10.res{residual}_{downsampling}_bn1"
    for residual in (0, 1)
    for downsampling in ("max22", "avg22", "conv32", "conv42")
)

LENS = (
    Experiment(
        "attacks from the source", (Transfer(_attacks()),), roles=_TRAINED, untrained=False
    ),
    Experiment(
        "the source's attack on the matched nets, and how robust they are",
        (Transfer((_HEADLINE, Attack("l2", 0.5, "noise"))), *_FEW), roles=("matched",), seeds=False,
        covered=True,
    ),
    Experiment(
        "how robust each model and each of its layers is",
        (Robustness(_SEARCHES), _LAYERS, Sensitivity()), roles=_TRAINED, untrained=False,
    ),
    Experiment(
        "the same layers and gradients where nothing was learned",
        (_LAYERS, Sensitivity()), roles=("control",), seeds=False,
    ),
    Experiment(
        "attacks of an ensemble and of an untrained network, and edits of the source's",
        (
            Transfer((_HEADLINE,), sources=_ENSEMBLE),
            Transfer((_HEADLINE,), sources=_UNTRAINED),
            Edits(_HEADLINE, (Edit("whole"), *_BANDS, *_SHIFTS, Edit("swap"))),
        ),
        roles=_TRAINED, untrained=False,
    ),
    Experiment(
        "every pair of models",
        (Transfer((_HEADLINE,)), Edits(_HEADLINE, _FEW_EDITS), Alignment()),
        roles=_TRAINED, untrained=False, from_each=True,
    ),
    # the same suites as for every pair, so that a run on everything measures them once
    Experiment(
        "every pair of matched nets: does transfer follow the lattice of strides",
        (Transfer((_HEADLINE,)), Edits(_HEADLINE, _FEW_EDITS)),
        models=LATTICES, from_each=True,
    ),
)  # fmt: skip

#: what fits beside style transfer in ten minutes: the layers at the radius of their verdict alone,
#: the cheapest search for distances, and a few edits of pictures that are made anyway
SLICE = Experiment(
    "a slice of the attack lens",
    (
        *_FEW,
        Sensitivity(),
        Edits(_HEADLINE, tuple(edit for edit in _FEW_EDITS if edit.kind != "shift")),
    ),
)
