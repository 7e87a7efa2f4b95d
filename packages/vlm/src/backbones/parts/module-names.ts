/**
 * The two trees of Qwen2.5-VL names. Within our code a module (`model.language_model.layers.0.self_attn.q_proj`) and
 * a tensor (that plus `.weight`) have the names of the live model of transformers 4.52 and newer. Files on the hub and
 * older adapters have the tree from before: `model.layers.0…` and `visual.…`. Both mappings work on prefixes, so they
 * serve modules and tensors alike; `lm_head` has one name.
 */

/** The live name of a module or tensor that has either name. */
export function canonicalName(name: string): string {
  return name
    .replace(/^(?:model\.)?visual\./, 'model.visual.')
    .replace(/^model\.(?!language_model\.|visual\.)/, 'model.language_model.')
}

/** The name before transformers 4.52 of a module or tensor that has either name. */
export function legacyName(name: string): string {
  return name.replace(/^model\.visual\./, 'visual.').replace(/^model\.language_model\./, 'model.')
}
