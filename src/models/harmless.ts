/** @file Config fields that change no number of a forward pass in f32, with the reason beside each. */

/** diffusers' own notes, and switches of precision, memory or training. */
export const harmlessFields: ReadonlySet<string> = new Set([
  "_diffusers_version", // who wrote the file
  "_name_or_path", // where it was loaded from
  "_commit_hash",
  "_use_default_values",
  "_class_name",
  "sample_size", // the size that an autoencoder was trained on: it takes any
  "dropout", // training only
  "upcast_attention", // precision of f16 runs
  "force_upcast",
  "mid_block_only_cross_attention", // the middle block kept by limn has both attentions regardless
  "addition_embed_type_num_heads", // read where addition_embed_type is "text"
  "num_train_timesteps",
  "decay", // EMA bookkeeping left in the config of averaged weights
  "inv_gamma",
  "min_decay",
  "optimization_step",
  "power",
  "update_after_step",
  "use_ema_warmup",
]);

/** Notes of transformers, and switches of training or of unused heads, that change no number here. */
export const harmlessTextFields: ReadonlySet<string> = new Set([
  ..."_name_or_path _commit_hash _attn_implementation_autoset transformers_version".split(" "),
  ..."architectures torch_dtype dtype attention_dropout dropout initializer_range".split(" "),
  ..."output_attentions output_hidden_states return_dict torchscript use_cache".split(" "),
  // Of every model of transformers: how text is generated, and how training splits its work.
  ..."max_length min_length num_beams num_beam_groups temperature top_k top_p typical_p".split(" "),
  ..."repetition_penalty length_penalty diversity_penalty no_repeat_ngram_size".split(" "),
  ..."encoder_no_repeat_ngram_size num_return_sequences chunk_size_feed_forward".split(" "),
  ..."tie_word_embeddings tf_legacy_loss use_bfloat16".split(" "),
  ..."id2label label2id problem_type finetuning_task tokenizer_class prefix".split(" "),
]);
