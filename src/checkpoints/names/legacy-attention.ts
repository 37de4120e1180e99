/** @file The names that attention over pictures had in diffusers before 0.17, in VAEs and unconditional UNets. */
import { nameTable } from "./pattern.ts";

/** `…attentions.0.query.weight` and its kin. */
export const legacyAttention = nameTable([
  ["{at}.attentions.{i:n}.query.{kind}", "{at}.attentions.{i:n}.to_q.{kind}"],
  ["{at}.attentions.{i:n}.key.{kind}", "{at}.attentions.{i:n}.to_k.{kind}"],
  ["{at}.attentions.{i:n}.value.{kind}", "{at}.attentions.{i:n}.to_v.{kind}"],
  ["{at}.attentions.{i:n}.proj_attn.{kind}", "{at}.attentions.{i:n}.to_out.0.{kind}"],
]);
