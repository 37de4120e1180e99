/** @file Collects the ONNX nodes of one model while a graph is lowered. */
import { assert, dtypeBytes, sizeOf, type DType } from "../../base/index.ts";
import type { OnnxAttribute, OnnxInitializer, OnnxNode } from "../../formats/index.ts";
import type { Tensor, Values } from "../../tensor/index.ts";

export interface EmitOptions {
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  readonly domain?: string;
  /** How many outputs the node has; 1 when left out. */
  readonly outputs?: number;
}

/** The bytes behind a typed array. */
export function bytesOf(values: Values): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Nodes and initialisers of an ONNX model in the making, and the ONNX name of each tensor lowered so far. */
export class Emitter {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxInitializer[] = [];
  readonly names = new Map<Tensor, string>();
  /** Module whose nodes are being emitted; goes into the ONNX node names. */
  scope = "";
  #count = 0;
  readonly #shared = new Map<string, string>();

  fresh(prefix: string): string {
    return `${prefix}_${this.#count++}`;
  }

  /** Adds a node and returns the name of its only output. */
  emit(op: string, inputs: readonly string[], options: EmitOptions = {}): string {
    return this.emitAll(op, inputs, options)[0];
  }

  /** Adds a node and returns the names of its outputs. */
  emitAll(op: string, inputs: readonly string[], options: EmitOptions = {}): string[] {
    const { attributes = {}, domain = "", outputs = 1 } = options;
    const name = this.fresh(op);
    const results = Array.from({ length: outputs }, (_, i) => (i ? `${name}.${i}` : name));
    const path = this.scope ? `${this.scope}/${name}` : name;
    this.nodes.push({ op, domain, name: path, inputs, outputs: results, attributes });
    return results;
  }

  /** A constant inside the model. */
  constant(values: Values, shape: readonly number[], dtype: DType): string {
    assert(values.byteLength === sizeOf(shape) * dtypeBytes[dtype], `constant of ${dtype}`);
    const name = this.fresh("c");
    this.initializers.push({ name, dtype, shape, data: bytesOf(values) });
    return name;
  }

  /** A vector of int64, as shapes, axes and bounds are given; equal ones are one constant. */
  ints(numbers: readonly number[]): string {
    return this.#once(`ints ${numbers.join()}`, () =>
      this.constant(
        BigInt64Array.from(numbers, (n) => BigInt(n)),
        [numbers.length],
        "i64",
      ),
    );
  }

  float(value: number): string {
    return this.#once(`float ${value}`, () => this.constant(Float32Array.of(value), [], "f32"));
  }

  /** A vector of one repeated f32, made by a node so that the model stays small. */
  filled(length: number, value: number): string {
    return this.#once(`filled ${length} ${value}`, () => {
      const tensor = { dtype: "f32" as const, shape: [1], data: bytesOf(Float32Array.of(value)) };
      return this.emit("ConstantOfShape", [this.ints([length])], {
        attributes: { value: { tensor } },
      });
    });
  }

  reshape(x: string, shape: readonly number[]): string {
    // A scalar's shape has no numbers, and OpenVINO 2026.4 crashes on reading a constant without any.
    if (shape.length === 0) return this.emit("Squeeze", [x]);
    return this.emit("Reshape", [x, this.ints(shape)], { attributes: { allowzero: 1 } });
  }

  #once(key: string, make: () => string): string {
    const known = this.#shared.get(key) ?? make();
    this.#shared.set(key, known);
    return known;
  }
}
