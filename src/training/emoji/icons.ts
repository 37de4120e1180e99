/** @file Icon sets as values: names, the match between emoji labels and icon names, SVG text. */

/** One vector drawing: SVG elements inside a view box. */
export interface Icon {
  readonly body: string;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly flipped: boolean;
}

/** The parts of an Iconify JSON file that are read; sizes given at the top hold for every icon without its own. */
export interface IconFile {
  readonly width?: number;
  readonly height?: number;
  readonly icons: Readonly<Record<string, Partial<Omit<Icon, "flipped">> & { body: string }>>;
  readonly aliases?: Readonly<
    Record<string, { readonly parent: string; readonly hFlip?: boolean }>
  >;
}

/** Where a drawing lies on the square picture: scale of its own units, then shift in pixels. */
export interface Placement {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
  /** Mirrored left to right about the picture's middle. */
  readonly mirrored: boolean;
}

/** An icon by name, aliases followed; undefined when the set has no such name. */
export function iconOf(file: IconFile, name: string): Icon | undefined {
  const alias = file.aliases?.[name];
  if (alias !== undefined) {
    const parent = iconOf(file, alias.parent);
    return parent && { ...parent, flipped: parent.flipped !== (alias.hFlip ?? false) };
  }
  if (!Object.hasOwn(file.icons, name)) return undefined;
  const { body, left = 0, top = 0, width, height } = file.icons[name];
  const size = { width: width ?? file.width ?? 16, height: height ?? file.height ?? 16 };
  return { body, left, top, ...size, flipped: false };
}

/** A label or icon name reduced to what both spell alike: lower case, no accents, letters and digits only. */
export function matchKey(name: string): string {
  const plain = name.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "");
}

/** Icon names of a set by match key; a drawing's own name wins over an alias. */
export function iconNamesByKey(file: IconFile): ReadonlyMap<string, string> {
  const names = [...Object.keys(file.aliases ?? {}), ...Object.keys(file.icons)];
  return new Map(names.map((name) => [matchKey(name), name]));
}

/** SVG text of one icon on a transparent square of `size` pixels. */
export function svgOf(icon: Icon, placement: Placement, size: number): string {
  const { scale, x, y, mirrored } = placement;
  const mirror = mirrored === icon.flipped ? "" : `translate(${size} 0) scale(-1 1) `;
  const { left, top, width, height, body } = icon;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ` +
    `width="${size}" height="${size}" viewBox="0 0 ${size} ${size}">` +
    `<g transform="${mirror}translate(${x} ${y}) scale(${scale})">` +
    `<svg width="${width}" height="${height}" viewBox="${left} ${top} ${width} ${height}">${body}</svg>` +
    `</g></svg>`
  );
}
