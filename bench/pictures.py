"""Content and style pictures: those that ship inside packages, and the user's own.

Every pixel is a multiple of 1/255 from the moment a file is opened, so a picture, its digest and
its saved file are one and the same. Colour profiles are ignored: values are taken as sRGB.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from bench.decode import PictureError, open_rgb
from bench.spectrum import SMALLEST_SIDE
from results.store import write_atomically

__all__ = [
    "BUNDLED", "CONTENTS", "MULTIPLE", "STYLES", "SUFFIXES", "Picture", "PictureError", "bundled",
    "load", "load_folder", "read_png", "save_png", "to_8bit",
]  # fmt: skip

MULTIPLE = 16
_ADDRESS = "cell"  # the keyword of a PNG's text
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm")


@dataclass(frozen=True)
class Picture:
    """A picture ready for use; two are equal when their names and digests are.

    Attributes:
        name: what the rows call it; the file's name without its suffix.
        pixels: "3 h w", float32, multiples of 1/255 in [0, 1], sRGB.
        sha256: hex digest of the pixels as 8-bit bytes, row by row, R G B interleaved.
    """

    name: str
    pixels: Float[Tensor, "3 h w"] = field(compare=False, repr=False)
    sha256: str


def _shipped(package: str, path: str) -> Image.Image:
    # Not by skimage.data: with pooch installed it may download, and it makes a cache folder.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise PictureError(f"The picture {path} ships with {package}, which is not installed.")
    return open_rgb(Path(spec.origin).parent / path)


_SKLEARN = ("china", "flower")
_SKIMAGE = (
    "astronaut.png brick.png camera.png chelsea.png coffee.png coins.png grass.png gravel.png "
    "hubble_deep_field.jpg ihc.png moon.png motorcycle_left.png retina.jpg rocket.jpg"
)
BUNDLED: Mapping[str, Callable[[], Image.Image]] = MappingProxyType(
    {Path(file).stem: partial(_shipped, "skimage", f"data/{file}") for file in _SKIMAGE.split()}
    | {name: partial(_shipped, "sklearn", f"datasets/images/{name}.jpg") for name in _SKLEARN}
)
CONTENTS = ("chelsea", "astronaut", "china", "rocket", "motorcycle_left")
# Textured at 128 pixels: the first four all over (gravel and grass are grey, so their palette is a
# line), coffee and flower in part. Not brick: its courses alone score 13 dB at period 8.
STYLES = ("ihc", "hubble_deep_field", "gravel", "grass", "coffee", "flower")


def bundled(name: str, *, size: int) -> Picture:
    """One of the BUNDLED pictures, its central square scaled down to size x size; offline.

    Raises:
        PictureError: an unknown name, a missing package, a size under 32 or beyond the picture.
    """
    if name not in BUNDLED:
        raise PictureError(f"No bundled picture {name!r}; choose one of {', '.join(BUNDLED)}.")
    image = BUNDLED[name]()
    _check_size(image, name, size)
    side = min(image.size)
    return _picture(name, _scaled(_central(image, side, side), size))


def load(file: Path, *, size: int) -> Picture:
    """The user's picture: short side scaled down to `size`, aspect ratio kept.

    Both sides are then cropped, about the centre, to multiples of 16, so that strides divide them.
    EXIF orientation is applied, transparency laid on white; grey, palette, CMYK and 16-bit pictures
    become 8-bit RGB; of an animation the first frame counts. What a file is follows from its
    contents, not from its suffix.

    Raises:
        PictureError: missing, truncated, no picture, too large to be safe, shorter than `size`, or
            a size under 32.
    """
    image = open_rgb(file)
    _check_size(image, str(file), size)
    scaled = _scaled(image, size)
    width, height = (side - side % MULTIPLE for side in scaled.size)
    return _picture(file.stem, _central(scaled, width, height))


def load_folder(folder: Path, *, size: int) -> tuple[Picture, ...]:
    """Every picture of a folder, by `load`, in the order of their names; not its subfolders.

    Files are chosen by suffix; hidden ones are left out, but a broken picture is an error.

    Raises:
        PictureError: as `load`, no such folder, no picture in it, or two of one name in it.
    """
    if not folder.is_dir():
        raise PictureError(f"No folder {folder}; create it and put pictures in it.")
    files = sorted(
        (f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES and f.name[0] != "."),
        key=lambda file: (file.stem, file.suffix),
    )
    if not files:
        raise PictureError(f"No picture in {folder}; put {', '.join(SUFFIXES)} files in it.")
    for one, other in pairwise(files):
        if one.stem == other.stem:
            raise PictureError(f"{one} and {other} share the name {one.stem!r}; rename one.")
    return tuple(load(file, size=size) for file in files)


def to_8bit(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """round(255 x) / 255: what is left of pixels in [0, 1] after saving; no gradient passes."""
    return (x * 255).round() / 255


def save_png(pixels: Float[Tensor, "3 h w"], file: Path, *, address: str = "") -> None:
    """Write pixels as an 8-bit RGB PNG, rounded to nearest, atomically; same pixels, same bytes.

    Values outside [0, 1] are clipped, as a screen would. The folder must exist.

    Args:
        address: of the cell that made it, kept in the file; see ``read_png``.

    Raises:
        PictureError: another shape, NaN or infinity, a suffix other than .png, no such folder.
        StoreError: the disk is full or not writable.
    """
    if pixels.ndim != 3 or pixels.shape[0] != 3 or 0 in pixels.shape:
        raise PictureError(f"A picture to save has shape (3, h, w), not {tuple(pixels.shape)}.")
    if not pixels.isfinite().all():
        raise PictureError(f"{file} was not written: its pixels hold NaN or infinity.")
    if file.suffix.lower() != ".png":
        raise PictureError(f"Pictures are saved as PNG: name {file} {file.with_suffix('.png')}.")
    if not file.parent.is_dir():
        raise PictureError(f"No folder {file.parent} to save {file.name} in; create it first.")
    levels = (pixels.detach().to("cpu", torch.float64).clamp(0, 1) * 255).round().byte()
    image = Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy())
    facts = PngInfo()
    if address:
        facts.add_text(_ADDRESS, address)
    write_atomically(file, lambda stream: image.save(stream, format="PNG", pnginfo=facts))


def read_png(file: Path, *, address: str) -> Float[Tensor, "3 h w"] | None:
    """The pixels that ``save_png`` wrote under this address; None where there are no such ones."""
    try:
        with Image.open(file, formats=["PNG"]) as image:
            if image.info.get(_ADDRESS) != address:
                return None
            return _picture(file.stem, image.convert("RGB")).pixels
    except (OSError, SyntaxError, ValueError):  # missing, truncated, or damaged in a chunk
        return None


def _check_size(image: Image.Image, name: str, size: int) -> None:
    if size < SMALLEST_SIDE:  # every picture that is made is scored by its spectrum
        raise PictureError(
            f"A size is at least {SMALLEST_SIDE} pixels, got {size}: use a larger --size."
        )
    if min(image.size) < size:
        raise PictureError(
            f"{name} is {image.width}x{image.height}, shorter than {size}; "
            f"ask for a size of at most {min(image.size)} or use a larger picture."
        )


def _scaled(image: Image.Image, size: int) -> Image.Image:
    short = min(image.size)
    width, height = (round(side * size / short) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _central(image: Image.Image, width: int, height: int) -> Image.Image:
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _picture(name: str, image: Image.Image) -> Picture:
    levels = np.array(image)
    pixels = torch.from_numpy(levels).permute(2, 0, 1).contiguous().float() / 255
    return Picture(name, pixels, sha256(levels.tobytes()).hexdigest())
