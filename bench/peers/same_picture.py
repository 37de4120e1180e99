"""Draws one prompt with diffusers from a model folder and counts the bytes in which limn's picture differs.

limn "a red apple" --seed 3 --out ours.png && python bench/peers/same_picture.py models/emblem ours.png "a red apple" 3
"""

import sys

import numpy
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

folder, ours, prompt, seed = sys.argv[1:5]
pipeline = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
pipeline.set_progress_bar_config(disable=True)
picture = numpy.asarray(Image.open(ours).convert("RGB"), dtype=int)
theirs = pipeline(
    prompt,
    num_inference_steps=20,
    guidance_scale=3.0,
    height=picture.shape[0],
    width=picture.shape[1],
    generator=torch.Generator("cpu").manual_seed(int(seed)),
).images[0]
difference = abs(picture - numpy.asarray(theirs, dtype=int))
print(f"{(difference > 0).sum()} of {difference.size} bytes differ, by {difference.max()} at most")
