/** @file ONNX bytes, read back by protobuf.js from the published schema and run by ONNX Runtime. */
import { mkdtemp, realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { writeSafetensors, openSafetensors } from "./safetensors.node.ts";
import { encodeOnnxModel, type OnnxInitializer, type OnnxModel } from "./onnx.ts";

/** The messages of onnx.proto that the test looks at, written as the specification has them. */
const schema = `
syntax = "proto2";
message AttributeProto { optional string name = 1; optional float f = 2; optional int64 i = 3; optional bytes s = 4;
  optional TensorProto t = 5; repeated float floats = 7; repeated int64 ints = 8; repeated bytes strings = 9; optional int32 type = 20; }
message ValueInfoProto { optional string name = 1; optional TypeProto type = 2; }
message NodeProto { repeated string input = 1; repeated string output = 2; optional string name = 3; optional string op_type = 4;
  repeated AttributeProto attribute = 5; optional string domain = 7; }
message ModelProto { optional int64 ir_version = 1; optional string producer_name = 2; optional GraphProto graph = 7;
  repeated OperatorSetIdProto opset_import = 8; }
message StringStringEntryProto { optional string key = 1; optional string value = 2; }
message GraphProto { repeated NodeProto node = 1; optional string name = 2; repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12; }
message TensorProto { repeated int64 dims = 1; optional int32 data_type = 2; optional string name = 8; optional bytes raw_data = 9;
  repeated StringStringEntryProto external_data = 13; optional int32 data_location = 14; }
message TensorShapeProto { message Dimension { optional int64 dim_value = 1; optional string dim_param = 2; } repeated Dimension dim = 1; }
message TypeProto { message Tensor { optional int32 elem_type = 1; optional TensorShapeProto shape = 2; } optional Tensor tensor_type = 1; }
message OperatorSetIdProto { optional string domain = 1; optional int64 version = 2; }`;

const bytesOf = (view: ArrayBufferView) =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** y = relu(conv(x, w)) with the weight as given. */
function convolution(weight: Omit<OnnxInitializer, "name">): OnnxModel {
  return {
    opsets: { "": 17, "com.microsoft": 1 },
    nodes: [
      {
        op: "Conv",
        inputs: ["x", "w", ""],
        outputs: ["h"],
        attributes: { pads: [1, 1, 1, 1], group: 1, auto_pad: "NOTSET" },
      },
      {
        op: "QuickGelu",
        domain: "com.microsoft",
        inputs: ["h"],
        outputs: ["y"],
        attributes: { alpha: { float: 1 } },
      },
    ],
    initializers: [{ name: "w", ...weight }],
    inputs: [{ name: "x", dtype: "f32", shape: ["batch", 1, 2, 2] }],
    outputs: [{ name: "y", dtype: "f32", shape: ["batch", 1, 2, 2] }],
  };
}

const kernel = Float32Array.of(0, 0, 0, 0, 2, 0, 0, 0, 0);
const x = () => new ort.Tensor("float32", Float32Array.of(1, -1, 0.5, 3), [1, 1, 2, 2]);
const silu = (v: number) => v / (1 + Math.exp(-v));
const expected = [2, -2, 1, 6].map(silu); // the kernel doubles

test("the bytes say what the model says", () => {
  const model = convolution({ dtype: "f32", shape: [1, 1, 3, 3], data: bytesOf(kernel) });
  const tensor = { dtype: "i64", shape: [1], data: bytesOf(BigInt64Array.of(7n)) } as const;
  const constant = {
    op: "Constant",
    name: "c",
    inputs: [],
    outputs: ["c"],
    attributes: {
      value: { tensor },
      zero: 0,
      floats: { floats: [0.5, 1] },
      words: { strings: ["a", "б"] },
    },
  };
  const bytes = encodeOnnxModel({
    ...model,
    nodes: [...model.nodes, constant],
    outputs: [{ name: "empty", dtype: "bool", shape: [0] }],
  });
  const type = protobuf.parse(schema, { keepCase: true }).root.lookupType("ModelProto");
  const decoded = type.toObject(type.decode(bytes), { longs: Number, bytes: String }) as unknown;
  expect(decoded).toMatchObject({
    ir_version: 8,
    opset_import: [
      { domain: "", version: 17 },
      { domain: "com.microsoft", version: 1 },
    ],
    graph: {
      node: [
        {
          op_type: "Conv",
          input: ["x", "w", ""],
          attribute: [
            { name: "pads", type: 7, ints: [1, 1, 1, 1] },
            { name: "group", type: 2, i: 1 },
            { name: "auto_pad", type: 3, s: btoa("NOTSET") },
          ],
        },
        { domain: "com.microsoft", attribute: [{ name: "alpha", type: 1, f: 1 }] },
        {
          name: "c",
          attribute: [
            { type: 4, t: { dims: [1], data_type: 7, raw_data: btoa("\x07\0\0\0\0\0\0\0") } },
            { type: 2, i: 0 },
            { type: 6, floats: [0.5, 1] },
            { type: 8, strings: [btoa("a"), Buffer.from("б").toString("base64")] },
          ],
        },
      ],
      initializer: [{ name: "w", dims: [1, 1, 3, 3], data_type: 1 }],
      input: [
        {
          name: "x",
          type: {
            tensor_type: {
              elem_type: 1,
              shape: { dim: [{ dim_param: "batch" }, { dim_value: 1 }, {}, {}] },
            },
          },
        },
      ],
      output: [{ type: { tensor_type: { elem_type: 9, shape: { dim: [{ dim_value: 0 }] } } } }],
    },
  });
});

test.each([17, 21])("ONNX Runtime runs it at opset %i, weights inline", async (opset) => {
  const model = convolution({ dtype: "f32", shape: [1, 1, 3, 3], data: bytesOf(kernel) });
  const bytes = encodeOnnxModel({ ...model, opsets: { ...model.opsets, "": opset } });
  const session = await ort.InferenceSession.create(bytes);
  const { y } = await session.run({ x: x() });
  [...(y.data as Float32Array)].forEach((v, i) => expect(v).toBeCloseTo(expected[i], 5));
  await session.release();
});

test("ONNX Runtime reads weights out of a safetensors file by offset", async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "limn-onnx-")));
  const file = join(folder, "model.safetensors");
  await writeSafetensors(file, [
    { name: "other", dtype: "f32", shape: [3], data: new Float32Array(3) },
    { name: "w", dtype: "f32", shape: [1, 1, 3, 3], data: kernel },
  ]);
  const w = (await openSafetensors(file)).tensors.get("w");
  if (!w) throw new Error("w was not written");
  const data = { location: "model.safetensors", offset: w.offset, length: w.length };
  const session = await ort.InferenceSession.create(
    encodeOnnxModel(convolution({ dtype: w.dtype, shape: w.shape, data })),
    { extra: { session: { model_external_initializers_file_folder_path: folder } } },
  );
  const { y } = await session.run({ x: x() });
  [...(y.data as Float32Array)].forEach((v, i) => expect(v).toBeCloseTo(expected[i], 5));
  await session.release();
});

test("an attribute that is not whole must be named a float", () => {
  const model = convolution({ dtype: "f32", shape: [1, 1, 3, 3], data: bytesOf(kernel) });
  const nodes = [{ op: "Elu", inputs: ["x"], outputs: ["y"], attributes: { alpha: 0.5 } }];
  expect(() => encodeOnnxModel({ ...model, nodes })).toThrow("0.5 is not a whole number");
});
