/** @file The first picture from a program: open the model that comes with limn, draw, save. */
import { writeFile } from "node:fs/promises";
import { encodePng, finish, load, textToImage } from "limn";

const [prompt = "a red apple", model] = process.argv.slice(2);
const painter = await load(model);
const { images } = await finish(textToImage(painter, { prompt, seed: 1 }));
await writeFile("first-picture.png", await encodePng(images[0]));
await painter[Symbol.asyncDispose]();
