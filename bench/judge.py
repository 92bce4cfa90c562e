"""What a stylised picture is worth, by judges that took no part in making it."""

import torch
from jaxtyping import Float
from torch import Tensor

from bench.gram import grams, relative_distance, style_distance
from bench.quality import content_ssim, palette_distance
from bench.spectrum import artifact_scores
from zoo.load import Encoder
from zoo.taps import content_tap

Scores = dict[str, Float[Tensor, " b"]]


def picture_scores(
    judge: Encoder,
    output: Float[Tensor, "b 3 h w"],
    content: Float[Tensor, "b 3 h w"],
    style: Float[Tensor, "b 3 h w"],
) -> Scores:
    """All scores of ``output``, and of the untouched content and style where a score needs them.

    Args:
        judge: an encoder that is no contestant.
        output, content, style: pictures in [0,1]; output and content of one size.

    Returns:
        Metric name (results/schema.py) to one value a picture.
    """
    layer = content_tap(judge.classifier.net, stride=16)
    with torch.no_grad():
        made, plain, wanted = (judge(_layout(x)) for x in (output, content, style))
    wanted_grams = grams(wanted)
    style_peaks = artifact_scores(style)
    return {
        "judge_style_distance": style_distance(grams(made), wanted_grams),
        "judge_style_distance_content": style_distance(grams(plain), wanted_grams),
        "judge_content_distance": relative_distance(made[layer], plain[layer]),
        "palette_distance": palette_distance(output, style),
        "palette_distance_content": palette_distance(content, style),
        "content_ssim": content_ssim(output, content),
        **artifact_scores(output),
        **{f"{name}_style": style_peaks[name] for name in style_peaks if name.startswith("peak_")},
    }


def _layout(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)
