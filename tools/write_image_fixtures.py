#!/usr/bin/env python3
"""Writes what Pillow and torchvision make of pictures, for tests/data (pip install pillow torchvision safetensors).

  write_image_fixtures.py MANIFEST.json

  tests/fixtures/images/*.jpg                  a computed picture, encoded in several ways
  tests/fixtures/images/augment.safetensors    a small picture and its augmentations; a tensor's name is the operation
  tests/fixtures/bad_inputs/pictures.tsv       each file, what the manifest expects, size and CRC-32 of Pillow's RGB
"""
import json
import pathlib
import sys
import warnings
import zlib

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from safetensors.numpy import save_file
from torchvision import transforms
from torchvision.transforms import autoaugment
from torchvision.transforms import functional as F

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures"
FOLDERS = ("jpeg_bad", "jpeg_ok", "png_bad", "png_ok", "wrong_extension")
FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
SAMPLES = 100_000


def picture(height, width):
    """Waves of colour, a sharp bar and noise."""
    random = np.random.default_rng(20240607)
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 100 * np.sin(x / a + y / b) * np.cos(y / 11) for a, b in ((7, 13), (17, 5), (9, -8))]
    values = np.stack(waves, -1) + random.normal(0, 12, (height, width, 3))
    values[:, width // 3 : width // 3 + 4] = (250, 20, 60)
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def hue_colours():
    """Every seventh colour, as the exhaustive test of the conversions."""
    v = np.arange(0, 1 << 24, 7, dtype=np.uint32)[: 1500 * 1500]
    return Image.fromarray(np.stack([v >> 16, v >> 8 & 255, v & 255], -1).astype(np.uint8).reshape(1500, 1500, 3))


def resized(image):
    sizes = [(20, 30), (70, 50), (33, 47), (7, 70), (40, 9), (1, 1), (90, 12), (32, 44), (20, 46)]
    return {f"{name} {h} {w}": image.resize((w, h), code) for h, w in sizes for name, code in FILTERS.items()}


def coloured(image):
    outputs = {"grayscale": F.rgb_to_grayscale(image, 3), "autocontrast": F.autocontrast(image), "equalize": F.equalize(image)}
    for factor in (0, 0.3, 0.73, 1, 1.4, 1.9):
        outputs[f"brightness {factor}"] = F.adjust_brightness(image, factor)
        outputs[f"contrast {factor}"] = F.adjust_contrast(image, factor)
        outputs[f"saturation {factor}"] = F.adjust_saturation(image, factor)
        outputs[f"sharpness {factor}"] = F.adjust_sharpness(image, factor)
    outputs |= {f"hue {turns}": F.adjust_hue(image, turns) for turns in (-0.5, -0.123, 0, 0.1, 0.5)}
    outputs |= {f"solarize {threshold}": F.solarize(image, threshold) for threshold in (0, 100, 128, 256)}
    outputs |= {f"posterize {bits}": F.posterize(image, bits) for bits in (1, 4, 8)}
    return outputs


def moved(image):
    outputs = {f"center_crop {size}": F.center_crop(image, [size, size]) for size in (20, 32, 33, 40, 60)}
    outputs |= {f"blur {sigma}": image.filter(ImageFilter.GaussianBlur(sigma)) for sigma in (0.1, 0.5, 1, 1.7, 2, 7.5, 60)}
    outputs |= {f"rotate {angle}": F.rotate(image, angle) for angle in (-30, -11.5, 3, 30)}
    outputs |= {f"resize_shorter {size}": F.resize(image, size) for size in (20, 60)}
    return outputs


def rand_augmented(image):
    """Of every operation, at several strengths, both directions."""
    outputs = {}
    space = autoaugment.RandAugment()._augmentation_space(31, (image.height, image.width))
    for index, (name, (magnitudes, is_signed)) in enumerate(space.items()):
        for magnitude in (0, 4, 9, 17, 30):
            for is_negative in (0, 1) if is_signed else (0,):
                value = float(magnitudes[magnitude]) if magnitudes.ndim else 0.0
                value = -value if is_negative else value
                result = autoaugment._apply_op(image, name, value, transforms.InterpolationMode.NEAREST, None)
                outputs[f"rand {index} {magnitude} {is_negative}"] = result
    return outputs


def crop_statistics(height, width, scale, ratio):
    """Mean and deviation of top, left, height, width of RandomResizedCrop."""
    torch.manual_seed(1)
    blank = Image.new("L", (width, height))
    values = np.array([transforms.RandomResizedCrop.get_params(blank, scale, ratio) for _ in range(SAMPLES)], np.float64)
    return np.stack([values.mean(0), values.std(0)])


def write_augmentations():
    image = picture(33, 47)
    pictures = resized(image) | coloured(image) | moved(image) | rand_augmented(image)
    tensors = {name: np.ascontiguousarray(np.array(p)) for name, p in pictures.items()}
    tensors["picture"] = np.array(image)
    grey = image.convert("L")
    tensors["grey_picture"] = np.array(grey)[:, :, None]
    tensors["grey bilinear 20 90"] = np.array(grey.resize((90, 20), Image.BILINEAR))[:, :, None]
    tensors["grey blur 1.3"] = np.array(grey.filter(ImageFilter.GaussianBlur(1.3)))[:, :, None]
    normalize = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    tensors["normalized"] = np.ascontiguousarray(normalize(image).permute(1, 2, 0).numpy())
    tensors["crops 300 400"] = crop_statistics(300, 400, (0.08, 1.0), (3 / 4, 4 / 3))
    tensors["crops 100 700"] = crop_statistics(100, 700, (0.5, 1.0), (3 / 4, 4 / 3))
    hues = F.adjust_hue(hue_colours(), 0.2)
    save_file(tensors, FIXTURES / "images" / "augment.safetensors", {"hue_crc32": str(zlib.crc32(hues.tobytes()))})


def write_photographs():
    image = picture(149, 203)
    folder = FIXTURES / "images"
    image.save(folder / "420.jpg", quality=85)
    image.save(folder / "444.jpg", quality=85, subsampling=0)
    image.save(folder / "progressive.jpg", quality=85, progressive=True)
    image.convert("L").save(folder / "grey.jpg", quality=85)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(folder / "turned.jpg", quality=85, exif=exif)
    image.convert("CMYK").save(folder / "cmyk.jpg", quality=85)


def describe(path, expect, name):
    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
        return f"{name}\t{expect}\t{image.height}\t{image.width}\t{zlib.crc32(image.tobytes())}"
    except Exception:  # whatever Pillow makes of a broken file
        return f"{name}\t{expect}\t-\t-\t-"


def write_table(manifest):
    Image.MAX_IMAGE_PIXELS //= 2
    files = [(f["file"], f["expect"]) for f in manifest["files"] if f["file"].split("/")[0] in FOLDERS]
    lines = [describe(FIXTURES / "bad_inputs" / name, expect, name) for name, expect in files]
    lines += [describe(path, "ok", f"../images/{path.name}") for path in sorted((FIXTURES / "images").glob("*.jpg"))]
    (FIXTURES / "bad_inputs" / "pictures.tsv").write_text("\n".join(lines) + "\n")


def main():
    warnings.simplefilter("ignore")
    (FIXTURES / "images").mkdir(exist_ok=True)
    write_augmentations()
    write_photographs()
    write_table(json.loads(pathlib.Path(sys.argv[1]).read_text()))


if __name__ == "__main__":
    main()
