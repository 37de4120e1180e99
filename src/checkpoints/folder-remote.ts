/** @file Opens a diffusers folder behind a URL: configs and headers of weights are fetched, weights are not. */
import { FormatError } from "../base/index.ts";
import { parseJson, type RemoteFiles } from "../formats/index.ts";
import { openFolderOf, type DiffusersFolder } from "./folder.ts";
import { weightNames, type Variant } from "./weight-names.ts";

/** Opens the folder at `url`, which ends in a slash; a server lists no folders, so names are tried one after another. */
export function openRemoteFolder(
  url: string,
  { files, variant = "any" }: { files: RemoteFiles; variant?: Variant },
): Promise<DiffusersFolder> {
  return openFolderOf({
    path: url,
    join: (folder, name) => new URL(name, folder.endsWith("/") ? folder : `${folder}/`).href,
    async json(file) {
      const text = await files.text(file);
      if (text === undefined) throw new FormatError(`${file} is not there`);
      return parseJson(text, { what: file });
    },
    // The old models that keep all in the root are not what anybody puts on a server.
    isFolder: () => Promise.resolve(true),
    async weights(folder) {
      for (const name of namesFor(folder, variant)) {
        const file = new URL(name, `${folder}/`).href;
        if (await files.has(file)) return { file, index: await files.openSafetensors(file) };
      }
      throw new FormatError(`${folder} has no weights that limn reads`, {
        hint: `it needs one of ${weightNames[variant].join(", ")}`,
      });
    },
  });
}

/** Text encoders come from transformers, whose files are called otherwise than those of diffusers. */
function namesFor(folder: string, variant: Variant): string[] {
  const own = /\/text_encoder(_2)?$/.test(folder) ? "model." : "diffusion_pytorch_model.";
  return weightNames[variant].filter((name) => name.startsWith(own));
}
