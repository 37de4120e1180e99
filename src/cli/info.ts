/** @file `limn info`: what a picture, a model or a file of tensors says of itself. */
import { existsSync } from "node:fs";
import { listed, quote, RequestError } from "../base/index.ts";
import { findModel, inspect, type Facts } from "../service/index.ts";
import { wrapList } from "./wrap.ts";
import { print, printJson } from "./print.ts";
import { commandNamed, parseWords } from "./program.ts";

/** Prints what is known of a path or a model's name. */
export async function info(words: readonly string[]): Promise<number> {
  const command = commandNamed("limn info")
    .usage("FILE|FOLDER|MODEL [--json]")
    .argument("[PATH]", "a picture, a .safetensors file, or a model's folder or name")
    .option("--json", "one JSON object on stdout")
    .option("--debug", "show where an error came from");
  parseWords(command, words);
  const [path] = command.args;
  if (path === undefined)
    throw new RequestError(
      "info",
      "needs a picture, a .safetensors file, or a model's folder or name",
      {
        hint: "limn info emblem",
      },
    );
  const facts = await inspect(await placeOf(path));
  if (command.opts<{ json?: true }>().json) printJson(facts);
  else for (const line of linesOf(facts)) print(line);
  return 0;
}

/** What lies at a path, else the model of that name; what looks like a file was meant as one. */
async function placeOf(path: string): Promise<string> {
  if (existsSync(path) || /\.\w+$/.test(path)) return path;
  return (await findModel(path)).folder;
}

function linesOf(facts: Facts): string[] {
  const remarks = facts.remarks.map((remark) => `note: ${remark}`);
  switch (facts.kind) {
    case "picture":
      return [...pictureLines(facts), ...remarks];
    case "model":
      return [...modelLines(facts), ...remarks];
    case "tensors":
      return [
        ...facts.tensors.map(({ name, dtype, shape }) => `${bare(name)}  ${dtype} ${axes(shape)}`),
        ...[...facts.metadata].map(([key, value]) => `${bare(key)}: ${shortened(value)}`),
        ...remarks,
      ];
  }
}

/** A name as it is where it could be that of a tensor, else quoted and cut. */
function bare(name: string): string {
  return /^[\w./-]{1,200}$/.test(name) ? name : quote(name);
}

/** Metadata may hold whole pictures as text; --json has all of it. */
function shortened(text: string): string {
  return text.length > 1000 ? `${text.slice(0, 1000)}… (${text.length} letters in all)` : text;
}

/** A shape; of one with more axes than any tensor of a model the first eight. */
function axes(shape: readonly number[]): string {
  const more = shape.length > 8 ? `,… ${shape.length} axes in all` : "";
  return `[${shape.slice(0, 8).join(",")}${more}]`;
}

function pictureLines(facts: Extract<Facts, { kind: "picture" }>): string[] {
  const others = facts.texts.length > 0 ? [`other texts: ${listed(facts.texts)}`] : [];
  return facts.parameters === null
    ? [`${facts.path} carries no parameters`, ...others]
    : [...facts.parameters.split(/\r?\n/), ...others];
}

function modelLines(facts: Extract<Facts, { kind: "model" }>): string[] {
  const { pipeline, scheduler, parts, description, knows } = facts;
  const languages = [...new Set((knows ?? []).flatMap((thing) => Object.keys(thing)))];
  const namesIn = (language: string) =>
    (knows ?? []).flatMap((thing) => thing[language]?.[0] ?? []);
  const { columns = 80 } = process.stdout;
  const total = parts.reduce((sum, { parameters }) => sum + parameters, 0);
  return [
    ...(description === null ? [] : [description]),
    `${pipeline}, ${scheduler}, ${total.toLocaleString("en")} parameters`,
    ...parts.map(
      ({ part, className, tensors, parameters, dtypes, files }) =>
        `  ${part}: ${className}, ${parameters.toLocaleString("en")} parameters in ${tensors} tensors of ${dtypes.join(", ")} (${files.join(", ")})`,
    ),
    ...(knows === null
      ? []
      : [
          `knows ${knows.length} things:`,
          ...languages.flatMap((language) =>
            wrapList(`  ${language}:`, namesIn(language), columns),
          ),
        ]),
  ];
}
