"""Published tensors that a network has no place for, and names that changed since: timm's way."""

import sys
from collections.abc import Callable, Mapping

from torch import Tensor, nn

_Filter = Callable[[dict[str, Tensor], nn.Module], dict[str, Tensor]]

# heads that some trainings add to help the gradients; torchvision's Inception keeps its own
_AUXILIARY = ("AuxLogits", "aux", "aux1", "aux2", "aux_classifier")


def fitted(state: Mapping[str, Tensor], net: nn.Module) -> dict[str, Tensor]:
    """The state under the network's names, without auxiliary heads the network does not have.

    Where names differ, the architecture's own ``checkpoint_filter_fn`` in timm translates them.
    What still differs is left to strict loading, which refuses it.
    """
    wanted = net.state_dict().keys()
    kept = {
        name: tensor
        for name, tensor in state.items()
        if name in wanted or name.partition(".")[0] not in _AUXILIARY
    }
    module = sys.modules[type(net).__module__]
    translate: _Filter | None = getattr(module, "checkpoint_filter_fn", None)
    return kept if kept.keys() == wanted or translate is None else translate(kept, net)
