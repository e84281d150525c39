"""One raw image to the pixels that the model sees. Training and serving run this very file: it is copied into what is
served, so it imports nothing but Pillow and numpy, and a change here changes what every later model sees.
"""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF")
MOST_PIXELS = 64_000_000
"""A larger image is refused before it is decoded, so that a small file can't fill the memory."""

_ORIENTATION = 0x0112
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(raw: bytes, height: int, width: int, channels: int, resize: str) -> npt.NDArray[np.uint8]:
    """uint8 (height, width, channels) of an encoded image; the first frame where there are several.

    resize is stretch, crop or pad. Raises ValueError in words when raw is not an image that can be read.
    """
    image = open_image(raw)
    try:
        # A large JPEG is decoded at a half, a quarter or an eighth; twice the size wanted keeps what resizing needs.
        image.draft("L" if channels == 1 else "RGB", (2 * max(height, width),) * 2)
        return fit(upright(image), height, width, channels, resize)
    except Exception as error:  # a broken file makes Pillow raise almost anything
        raise _unreadable(error) from error


def open_image(raw: bytes) -> Image.Image:
    """The image with its size and mode, not decoded yet. Raises ValueError for giants and for what is no such image."""
    try:
        image = Image.open(io.BytesIO(raw), formats=FORMATS)
    except UnidentifiedImageError:
        raise ValueError("not a JPEG, PNG, BMP, WebP or GIF image") from None
    except Image.DecompressionBombError as error:
        raise ValueError(f"too many pixels ({error})") from error
    except Exception as error:  # a header cut short makes some of Pillow's readers raise an OSError
        raise _unreadable(error) from error
    if image.width * image.height > MOST_PIXELS:
        raise ValueError(f"{image.width}x{image.height} pixels are more than the {MOST_PIXELS} that are allowed")
    return image


def _unreadable(error: Exception) -> ValueError:
    return ValueError(f"not a readable image ({str(error) or type(error).__name__})")


def upright(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF orientation says."""
    turn = _TRANSPOSE.get(image.getexif().get(_ORIENTATION, 1))
    return image if turn is None else image.transpose(turn)


def fit(image: Image.Image, height: int, width: int, channels: int, resize: str) -> npt.NDArray[np.uint8]:
    """uint8 (height, width, channels) of an image of any shape and mode."""
    image = colours(image, "L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = _RESIZE[resize](image, height, width)
    return np.asarray(image).reshape(height, width, channels)


def colours(image: Image.Image, mode: str) -> Image.Image:
    """The image in mode L or RGB: 16-bit greys scaled to 8, what is transparent laid on white."""
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image).clip(0, 65_535) >> 8).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == mode else image.convert(mode)


def _stretch(image: Image.Image, height: int, width: int) -> Image.Image:
    return image.resize((width, height), Image.Resampling.BILINEAR)


def _crop(image: Image.Image, height: int, width: int) -> Image.Image:
    scale = min(image.width / width, image.height / height)
    left, top = (image.width - scale * width) / 2, (image.height - scale * height) / 2
    box = (left, top, left + scale * width, top + scale * height)
    return image.resize((width, height), Image.Resampling.BILINEAR, box=box)


def _pad(image: Image.Image, height: int, width: int) -> Image.Image:
    scale = max(image.width / width, image.height / height)
    inner = (max(1, round(image.width / scale)), max(1, round(image.height / scale)))
    canvas = Image.new(image.mode, (width, height))
    corner = ((width - inner[0]) // 2, (height - inner[1]) // 2)
    canvas.paste(image.resize(inner, Image.Resampling.BILINEAR), corner)
    return canvas


_RESIZE = {"stretch": _stretch, "crop": _crop, "pad": _pad}
