/** A checkpoint with random weights of a given shape, and the tokenizer of the tiny one, in a folder of its own. */
import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseConfig } from '../src/backbones/qwen2_5_vl/read-config.ts'
import { expectedWeights } from '../src/backbones/qwen2_5_vl/weights.ts'
import { initializeWeights } from '../src/checkpoint/initialize-weights.ts'
import { writeSafetensors } from '../src/checkpoint/write-safetensors.ts'

const tiny = fileURLToPath(new URL('../test/fixtures/qwen2_5_vl-tiny/', import.meta.url))

/** `shape` has the form of the reference's benchmark files: vocab_size, mrope_section, text, vision. */
export async function randomModel(shape, seed = 1) {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-bench-'))
  const json = {
    architectures: ['Qwen2_5_VLForConditionalGeneration'],
    model_type: 'qwen2_5_vl',
    image_token_id: 613,
    video_token_id: 614,
    vision_start_token_id: 610,
    vision_end_token_id: 611,
    eos_token_id: 603,
    ...shape.text,
    vocab_size: shape.vocab_size,
    rope_theta: 1e6,
    rms_norm_eps: 1e-6,
    max_position_embeddings: 8192,
    hidden_act: 'silu',
    tie_word_embeddings: false,
    rope_scaling: { type: 'mrope', mrope_section: shape.mrope_section },
    vision_config: {
      ...shape.vision,
      in_chans: 3,
      out_hidden_size: shape.text.hidden_size,
      patch_size: 14,
      spatial_patch_size: 14,
      spatial_merge_size: 2,
      temporal_patch_size: 2,
      hidden_act: 'silu',
    },
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(json))
  for (const name of [
    'tokenizer.json',
    'tokenizer_config.json',
    'chat_template.json',
    'generation_config.json',
    'preprocessor_config.json',
  ])
    copyFileSync(join(tiny, name), join(folder, name))
  const weights = initializeWeights(expectedWeights(parseConfig(json)), { seed })
  await writeSafetensors(join(folder, 'model.safetensors'), weights)
  return folder
}
