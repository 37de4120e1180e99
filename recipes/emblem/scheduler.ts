/** @file The emblem's noise schedule and sampler, as its scheduler_config.json says them. */

/** How the model is run afterwards: x0-prediction, twenty DDIM steps from pure noise. */
export const schedulerJson = {
  _class_name: "DDIMScheduler",
  num_train_timesteps: 1000,
  beta_start: 0.0001,
  beta_end: 0.02,
  beta_schedule: "squaredcos_cap_v2",
  prediction_type: "sample",
  timestep_spacing: "trailing",
  clip_sample: false,
  set_alpha_to_one: true,
  steps_offset: 0,
};
