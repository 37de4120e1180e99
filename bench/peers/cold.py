"""The peer of bench/cold.ts: diffusers draws the same prompt with the same model folder.

Run by the benchmark: python bench/peers/cold.py MODEL PICTURE
"""

import json
import os
import sys

from diffusers import StableDiffusionPipeline

model, picture = sys.argv[1:]
recommended = {}
if os.path.exists(f"{model}/limn.json"):
    with open(f"{model}/limn.json") as file:
        recommended = json.load(file)
pipeline = StableDiffusionPipeline.from_pretrained(model)
pipeline.set_progress_bar_config(disable=True)
image = pipeline(
    "a red apple",
    num_inference_steps=recommended.get("steps", 50),
    guidance_scale=recommended.get("guidance", 7.5),
).images[0]
image.save(picture)
