"""Batch norms merged into the convolutions before them: the same answers with less work."""

from copy import deepcopy

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_conv_bn_weights


def fold_batch_norm(model: nn.Module, probe: Float[Tensor, "b 3 h w"]) -> dict[str, str]:
    """Merge each batch norm into the convolution whose output it receives, in place.

    Pairs are found by running the network on ``probe`` and watching which tensor goes where, so no
    network needs to be traceable. The result is checked against the original.

    Args:
        model: in evaluation mode.
        probe: a picture or more of a size that the network takes.

    Returns:
        Names of the convolutions by those of the batch norms merged into them.

    Raises:
        ArithmeticError: the logits moved by a thousandth of their range or more.
    """
    if not any(isinstance(module, nn.BatchNorm2d) for module in model.modules()):
        return {}
    pairs: dict[str, str] = {}
    made_by: dict[int, tuple[str, Tensor]] = {}
    hooks = []
    names = {module: name for name, module in model.named_modules()}

    def made(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        made_by[id(output)] = (names[module], output)  # keeping the tensor keeps its id unique

    def taken(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if id(inputs[0]) in made_by:
            pairs[names[module]] = made_by[id(inputs[0])][0]

    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(made))
        elif isinstance(module, nn.BatchNorm2d):
            hooks.append(module.register_forward_pre_hook(taken))
    with torch.no_grad():
        before = model(probe)
    for hook in hooks:
        hook.remove()
    modules = dict(model.named_modules())
    for norm, conv in pairs.items():
        _replace(model, conv, fuse_conv_bn_eval(modules[conv], modules[norm]))
        _replace(model, norm, getattr(modules[norm], "act", nn.Identity().eval()))
    with torch.no_grad():
        error = (model(probe) - before).abs().max() / before.abs().max()
    if not error < 1e-3:
        raise ArithmeticError(f"folding batch norms moved the logits by {error:.1e} of their range")
    return pairs


class FoldedTwin:
    """A frozen, folded copy of a network whose own weights go on changing.

    An adversary asks a network in training for many gradients between two of its steps: through
    the copy they cost two thirds (ResNet-50), and the network's modes and flags stay as they are.
    """

    def __init__(self, model: nn.Module, probe: Float[Tensor, "b 3 h w"]) -> None:
        self._copy = deepcopy(model).eval().requires_grad_(False)
        self._pairs = fold_batch_norm(self._copy, probe)

    @torch.no_grad()
    def of(self, model: nn.Module) -> nn.Module:
        """The copy, with the weights and running statistics that ``model`` has now."""
        modules, state = dict(model.named_modules()), model.state_dict()
        for norm_name, conv_name in self._pairs.items():
            conv, norm = modules[conv_name], modules[norm_name]
            merged = fuse_conv_bn_weights(
                conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps,
                norm.weight, norm.bias,
            )  # fmt: skip
            state[f"{conv_name}.weight"], state[f"{conv_name}.bias"] = merged
        for name, tensor in self._copy.state_dict().items():
            tensor.copy_(state[name])
        return self._copy


def _replace(root: nn.Module, name: str, new: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(root.get_submodule(parent), child, new)
