"""Every architecture of the catalogue that is trained here, as a training leaves it."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from zoo.catalog import ZOO
from zoo.load import Classifier, untrained
from zoo.spec import Committed, ModelSpec, RandomInit

MEMBERS = {spec.arch: spec for spec in ZOO.values() if isinstance(spec.weights, Committed)}
NETS = {arch: replace(spec, weights=RandomInit()) for arch, spec in MEMBERS.items()}
IMAGES = torch.rand(2, 3, 40, 40, generator=torch.Generator().manual_seed(0))

each_net = pytest.mark.parametrize("spec", NETS.values(), ids=NETS)


def lived_in(spec: ModelSpec, *, seed: int = 0) -> Classifier:
    """The network with batch norms as a training leaves them: no mean 0, no variance 1."""
    model = untrained(replace(spec, seed=seed)).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(seed + 1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in [
                (module.running_mean, -0.3, 0.3), (module.running_var, 0.3, 3.0),
                (module.weight, 0.5, 1.5), (module.bias, -0.3, 0.3),
            ]:  # fmt: skip
                tensor.data.uniform_(low, high, generator=generator)
    return model


def norms(model: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())


def deviation(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max())
