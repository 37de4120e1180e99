/** @file The folder of all goldens, most of which lie outside the repository. */

/** What `LIMN_GOLDENS` names; fails where it names nothing. */
export function allGoldens(): string {
  const { LIMN_GOLDENS: folder } = process.env;
  if (folder) return folder;
  throw new Error("LIMN_GOLDENS must name the folder of all goldens; see CONTRIBUTING.md");
}
