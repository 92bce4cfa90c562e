"""What one forward pass shows of a network: which tensors are activations, and whether any add up.

The network runs once, on tensors without memory where it has none itself, and the graph that
autograd keeps is read. So no list of layers or of architectures is needed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

# autograd's names of what makes an activation ...
_NONLINEAR = {
    f"{name}Backward0"
    for name in ("Relu", "Hardtanh", "Silu", "Gelu", "Hardswish", "LeakyRelu", "Elu", "Mish")
}
# ... and of what leaves one an activation
_KEEPING = {
    f"{name}Backward0"
    for name in (
        "Cat", "MaxPool2DWithIndices", "AvgPool2D", "ConstantPadNd", "View", "Permute",
        "Transpose", "Clone", "NativeDropout",
    )
}  # fmt: skip
_LEAF = "torch::autograd::AccumulateGrad"


class TapError(ValueError):
    """A network, or a layer, that style cannot be read from; the message says what to do."""


@dataclass(frozen=True)
class Output:
    """What one module gave.

    Attributes:
        module: its name.
        outermost: one name for all modules that hand the same tensor on: the module that made it,
            or what stands round that one (a norm with its nonlinearity inside, a stage).
        activation: whether it is a nonlinearity's output, perhaps pooled or concatenated.
        sides: its spatial sides if channels come first, and if they come last.
    """

    module: str
    outermost: str
    activation: bool
    sides: frozenset[tuple[int, ...]]


def outputs(net: nn.Module) -> list[Output]:
    """The outputs of all modules that are called once, in the order of the forward pass."""
    seen: dict[str, Tensor] = {}
    graphs: dict[str, Any] = {}
    again: set[str] = set()

    def keep(name: str, output: Tensor) -> None:
        if name in seen:
            again.add(name)
        # the graph as it is now: a later layer in place would change what the tensor tells
        seen[name], graphs[name] = output, output.grad_fn

    _run(net, keep)
    makers: dict[Any, str] = {}
    for name, graph in graphs.items():
        makers.setdefault(graph, name)
    return [
        Output(
            name,
            _outermost(makers[graphs[name]], seen),
            _is_activation(graphs[name]),
            _sides(tensor),
        )
        for name, tensor in seen.items()
        if name not in again
    ]


def own_size(net: nn.Module) -> tuple[int, int, int]:
    """Channels, height and width of the pictures a network is made for."""
    size: tuple[int, int, int] = getattr(net, "pretrained_cfg", {}).get("input_size", (3, 96, 96))
    return size


def nearest_activation(module: str, found: Sequence[Output]) -> str:
    """Where the activation is that a module's output belongs to.

    The module itself where it gives one. Else the first one behind it of the same spatial size,
    which is the norm and nonlinearity that reads a raw convolution (DenseNet, EfficientNet). Else
    the last one before it of that size: networks that normalise first (ConvNeXt, transformers)
    have none behind a stage. Else the module itself: some networks multiply what they have
    activated, or tap between two sizes, and their own choice is then the nearest there is.

    Raises:
        TapError: it is no module that is called once and gives one tensor.
    """
    at = next((i for i, output in enumerate(found) if output.module == module), None)
    if at is None:
        raise TapError(
            f"{module} does not give one tensor once a picture, so style cannot be read there: "
            "leave this network to the attacks"
        )
    if found[at].activation:
        return module
    for other in (*found[at + 1 :], *reversed(found[:at])):
        if other.activation and other.sides & found[at].sides:
            return other.outermost
    return found[at].outermost


def first_activation(found: Sequence[Output]) -> str:
    """Where the first activation of a network is.

    Raises:
        TapError: it has none that one module gives.
    """
    first = next((output.outermost for output in found if output.activation), None)
    if first is None:
        raise TapError("no layer of this network gives an activation: leave it to the attacks")
    return first


def adds_activations(net: nn.Module) -> bool:
    """Whether activations pass through residual additions."""
    return any(
        node.name() == "AddBackward0"
        and sum(f is not None and f.name() != _LEAF for f, _ in node.next_functions) == 2
        for node in _graph(_run(net).grad_fn)
    )


def _run(net: nn.Module, keep: Any = None) -> Tensor:
    """One forward pass of the size the network is made for, in evaluation mode."""
    sides = own_size(net)
    training, device = net.training, next(net.parameters()).device
    hooks = []
    for name, module in net.named_modules() if keep else ():

        def hook(module: nn.Module, inputs: Any, output: Any, name: str = name) -> None:
            if isinstance(output, Tensor):
                keep(name, output)

        hooks.append(module.register_forward_hook(hook))
    try:
        net.eval()
        with torch.enable_grad():
            logits: Tensor = net(torch.zeros(1, *sides, device=device, requires_grad=True))
    finally:
        net.train(training)
        for handle in hooks:
            handle.remove()
    return logits


def _outermost(name: str, seen: dict[str, Tensor]) -> str:
    parent = name.rpartition(".")[0]
    while parent and seen.get(parent) is seen[name]:
        name, parent = parent, parent.rpartition(".")[0]
    return name


def _is_activation(node: Any) -> bool:
    if node is None or node.name() in _NONLINEAR:
        return node is not None
    inputs = [f for f, _ in node.next_functions]
    return node.name() in _KEEPING and bool(inputs) and all(_is_activation(f) for f in inputs)


def _sides(tensor: Tensor) -> frozenset[tuple[int, ...]]:
    return frozenset({tuple(tensor.shape[2:]), tuple(tensor.shape[1:-1])})


def _graph(root: Any) -> Iterator[Any]:
    waiting, seen = [root], {root}
    while waiting:
        node = waiting.pop()
        yield node
        new = {f for f, _ in node.next_functions if f is not None} - seen
        seen |= new
        waiting += new
