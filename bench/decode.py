"""A file, whatever it holds, becomes an 8-bit RGB picture or a `PictureError`."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

MOST_PIXELS = 80_000_000
# Raster formats decoded in process; Pillow's EPS reader, for one, would start Ghostscript.
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM")


class PictureError(ValueError):
    """A picture that cannot be read, used or written; the message says what to do about it."""


def open_rgb(file: Path) -> Image.Image:
    """Decode a file to 8-bit RGB: upright, on white, its first frame, by contents not by suffix.

    Raises:
        PictureError: whatever is wrong with the file.
    """
    try:
        if not file.is_file():
            raise PictureError(f"No picture at {file}; check the path.")
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Image.DecompressionBombError(f"{image.width}x{image.height} pixels")
            return _rgb(ImageOps.exif_transpose(image))
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(
            f"{file} has more than {MOST_PIXELS:,} pixels; scale it down first."
        ) from error
    # A broken file raises whatever its decoder tripped on: OSError, SyntaxError, struct.error, ...
    except Exception as error:
        raise PictureError(
            f"{file} cannot be read as a picture ({error}); save it again as PNG or JPEG."
        ) from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "I" or image.mode.startswith("I;16"):
        # Pillow's own conversion clips 16-bit values at 255 instead of scaling them.
        levels = np.asarray(image)
        if levels.min() < 0 or levels.max() > 65535:
            raise ValueError("32-bit values without a known range")
        return Image.fromarray(np.rint(levels / 257).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ValueError("floating-point values without a known range")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
