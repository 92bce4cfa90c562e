"""What a stylised picture is worth, by judges that took no part in making it."""

import torch
from jaxtyping import Float
from torch import Tensor

from bench.gram import grams, relative_distance, style_distance
from bench.lattice import lattice_scores
from bench.quality import content_edges, content_ssim, palette_distance
from bench.spectrum import artifact_scores
from bench.texture import texture_distance
from zoo.load import Encoder
from zoo.taps import content_tap

Scores = dict[str, Float[Tensor, " b"]]


def picture_scores(
    judge: Encoder,
    untrained: Encoder,
    output: Float[Tensor, "b 3 h w"],
    content: Float[Tensor, "b 3 h w"],
    style: Float[Tensor, "b 3 h w"],
) -> Scores:
    """All scores of ``output``, and of the untouched content and style where a score needs them.

    Args:
        judge: an encoder that is no contestant.
        untrained: the judge's architecture with random weights: what of a score needs no training
            (Ustyuzhaninov et al. 2017).
        output, content, style: pictures in [0,1]; output and content of one size.

    Returns:
        Metric name (results/schema.py) to one value a picture.
    """
    layer = content_tap(judge.classifier.net, stride=16)
    made, plain, wanted = _seen(judge, output, content, style)
    style_scores = artifact_scores(style) | lattice_scores(style)
    own = [name for name in style_scores if name.startswith(("peak_", "board_", "lattice_"))]
    return {
        **_named("judge_style_distance", *_to_style(made, plain, wanted)),
        "judge_content_distance": relative_distance(made[layer], plain[layer]),
        **_named("random_style_distance", *gram_distances(untrained, output, content, style)),
        **_named(
            "palette_distance", palette_distance(output, style), palette_distance(content, style)
        ),
        **_named(
            "texture_distance", texture_distance(output, style), texture_distance(content, style)
        ),
        "content_ssim": content_ssim(output, content),
        "content_edges": content_edges(output, content),
        **artifact_scores(output),
        **lattice_scores(output),
        **{f"{name}_style": style_scores[name] for name in own},
    }


def gram_distances(
    encoder: Encoder,
    output: Float[Tensor, "b 3 h w"],
    content: Float[Tensor, "b 3 h w"],
    style: Float[Tensor, "b 3 h2 w2"],
) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
    """The relative Gram distances of output and content to the style, over the encoder's taps."""
    return _to_style(*_seen(encoder, output, content, style))


def _seen(encoder: Encoder, *pictures: Tensor) -> list[dict[str, Tensor]]:
    with torch.no_grad():
        return [encoder(x.contiguous(memory_format=torch.channels_last)) for x in pictures]


def _to_style(
    made: dict[str, Tensor], plain: dict[str, Tensor], wanted: dict[str, Tensor]
) -> tuple[Tensor, Tensor]:
    style = grams(wanted)
    return style_distance(grams(made), style), style_distance(grams(plain), style)


def _named(name: str, of_output: Tensor, of_content: Tensor) -> Scores:
    return {name: of_output, f"{name}_content": of_content}
