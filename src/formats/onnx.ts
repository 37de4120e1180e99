/** @file Writes ONNX models: the part of onnx.proto that an inference graph needs, as a table of fields. */
import protobuf from "protobufjs/minimal.js";
import { assert, type DType } from "../base/index.ts";

/** A whole model: one graph and the operator sets it speaks. */
export interface OnnxModel {
  /** Version by domain; `""` is ai.onnx. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** One operation. An absent optional input is `""`. */
export interface OnnxNode {
  readonly op: string;
  /** `""`, the default, is ai.onnx. */
  readonly domain?: string;
  readonly name?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** A bare number is an INT and a list of numbers INTS: floats are named, for 1.0 looks like 1. */
export type OnnxAttribute =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly tensor: OnnxTensor };

/** A dense constant: little-endian bytes, row by row. */
export interface OnnxTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Bytes that stay in another file: `location` is relative to the folder that the engine is told. */
export interface OnnxExternalData {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** A named constant of the graph, inline or in another file. */
export interface OnnxInitializer {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Uint8Array | OnnxExternalData;
}

/** A typed input or output; a text as size is a symbol. */
export interface OnnxValue {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

/** Code of each dtype in `TensorProto.DataType`. */
export const onnxTypes = {
  f32: 1,
  u8: 2,
  i8: 3,
  i16: 5,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
  f64: 11,
  bf16: 16,
} as const satisfies { [K in DType]: number };

/** Field numbers and types by message and field name, from onnx.proto (ONNX 1.17). */
// prettier-ignore
const messages = {
  Model: { ir_version: [1, "int64"], producer_name: [2, "string"], graph: [7, "Graph"], opset_import: [8, "Opset"] },
  Opset: { domain: [1, "string"], version: [2, "int64"] },
  Graph: { node: [1, "Node"], name: [2, "string"], initializer: [5, "Tensor"], input: [11, "Value"], output: [12, "Value"] },
  Node: { input: [1, "string"], output: [2, "string"], name: [3, "string"], op_type: [4, "string"], attribute: [5, "Attribute"],
    domain: [7, "string"] },
  Attribute: { name: [1, "string"], f: [2, "float"], i: [3, "int64"], s: [4, "string"], t: [5, "Tensor"], floats: [7, "float"],
    ints: [8, "int64"], strings: [9, "string"], type: [20, "int32"] },
  Tensor: { dims: [1, "int64"], data_type: [2, "int32"], name: [8, "string"], raw_data: [9, "bytes"],
    external_data: [13, "Pair"], data_location: [14, "int32"] },
  Pair: { key: [1, "string"], value: [2, "string"] },
  Value: { name: [1, "string"], type: [2, "Type"] },
  Type: { tensor_type: [1, "TensorType"] },
  TensorType: { elem_type: [1, "int32"], shape: [2, "Shape"] },
  Shape: { dim: [1, "Dimension"] },
  Dimension: { dim_value: [1, "int64"], dim_param: [2, "string"] },
} as const;

type MessageName = keyof typeof messages;
type Scalar = "int32" | "int64" | "float" | "string" | "bytes";
type Item = number | string | Uint8Array | Message;
interface Message {
  readonly [field: string]: Item | readonly Item[] | undefined;
}

const wireTypes = { int32: 0, int64: 0, float: 5, string: 2, bytes: 2 } as const;

/** Bytes of a `ModelProto`. */
export function encodeOnnxModel(model: OnnxModel): Uint8Array {
  const opset = model.opsets[""];
  assert(opset !== undefined, 'an ONNX model needs a version of the domain ""');
  const writer = protobuf.Writer.create();
  write(writer, "Model", {
    // The IR version that ONNX published together with the operator set.
    ir_version: opset >= 21 ? 10 : opset >= 19 ? 9 : 8,
    producer_name: "limn",
    opset_import: Object.entries(model.opsets).map(([domain, version]) => ({ domain, version })),
    graph: {
      name: "limn",
      node: model.nodes.map(node),
      initializer: model.initializers.map(initializer),
      input: model.inputs.map(value),
      output: model.outputs.map(value),
    },
  });
  return writer.finish();
}

function node({ op, domain, name, inputs, outputs, attributes = {} }: OnnxNode): Message {
  const attribute = Object.entries(attributes).map(([key, of]) => ({ name: key, ...typed(of) }));
  return { op_type: op, domain, name, input: inputs, output: outputs, attribute };
}

function typed(attribute: OnnxAttribute): Message {
  if (typeof attribute === "number") return { type: 2, i: attribute };
  if (typeof attribute === "string") return { type: 3, s: attribute };
  if ("float" in attribute) return { type: 1, f: attribute.float };
  if ("floats" in attribute) return { type: 6, floats: attribute.floats };
  if ("strings" in attribute) return { type: 8, strings: attribute.strings };
  if ("tensor" in attribute) return { type: 4, t: initializer({ ...attribute.tensor, name: "" }) };
  return { type: 7, ints: attribute };
}

function initializer({ name, dtype, shape, data }: OnnxInitializer): Message {
  const head = { name, dims: shape, data_type: onnxTypes[dtype] };
  if (data instanceof Uint8Array) return { ...head, raw_data: data };
  const external_data = (["location", "offset", "length"] as const).map((key) => ({
    key,
    value: String(data[key]),
  }));
  return { ...head, external_data, data_location: 1 };
}

function value({ name, dtype, shape }: OnnxValue): Message {
  const dim = shape.map((size) =>
    typeof size === "number" ? { dim_value: size } : { dim_param: size },
  );
  return { name, type: { tensor_type: { elem_type: onnxTypes[dtype], shape: { dim } } } };
}

/** Writes the fields that are present, zeros too: a size of 0 is not an unknown size. */
function write(writer: protobuf.Writer, type: MessageName, message: Message): void {
  const fields: Readonly<Record<string, readonly [number, Scalar | MessageName]>> = messages[type];
  for (const [field, content] of Object.entries(message)) {
    assert(field in fields, `ONNX ${type} has no field ${field}`);
    const [id, kind] = fields[field];
    const items = (Array.isArray(content) ? content : [content]) as readonly (Item | undefined)[];
    for (const item of items) if (item !== undefined) writeItem(writer, id, kind, item);
  }
}

function writeItem(
  writer: protobuf.Writer,
  id: number,
  kind: Scalar | MessageName,
  item: Item,
): void {
  if (kind in messages) {
    const nested = writer.uint32((id << 3) | 2).fork();
    write(nested, kind as MessageName, item as Message); // the table says which it is
    nested.ldelim();
    return;
  }
  const scalar = kind as Scalar;
  writer.uint32((id << 3) | wireTypes[scalar]);
  if (scalar === "string") writer.string(item as string);
  else if (scalar === "bytes") writer.bytes(item as Uint8Array);
  else if (scalar === "float") writer.float(item as number);
  else {
    assert(
      Number.isSafeInteger(item),
      `ONNX field ${id}: ${JSON.stringify(item)} is not a whole number`,
    );
    writer[scalar](item as number);
  }
}
