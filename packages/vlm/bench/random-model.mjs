/** A checkpoint with random weights of a given shape, with the tokenizer of the tiny one, in a folder of its own. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { openBackbone } from '../src/backbones/open-backbone.ts'
import { initializeCheckpoint } from '../src/initialize-checkpoint.ts'

// Benchmarks are bundled, and run at the root of the repository.
const tiny = resolve('packages/vlm/test/fixtures/qwen2_5_vl-tiny')

/** `shape` has vocab_size, mrope_section, whether the head is `tied`, and the fields of `text` and `vision` as in config.json. */
export async function randomModel(shape, { seed = 1, dtype = 'float32', folder: given } = {}) {
  const backbone = openBackbone({
    architectures: ['Qwen2_5_VLForConditionalGeneration'],
    model_type: 'qwen2_5_vl',
    image_token_id: 613,
    video_token_id: 614,
    vision_start_token_id: 610,
    vision_end_token_id: 611,
    ...shape.text,
    vocab_size: shape.vocab_size,
    rope_theta: 1e6,
    rms_norm_eps: 1e-6,
    max_position_embeddings: 8192,
    hidden_act: 'silu',
    tie_word_embeddings: shape.tied ?? false,
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
  })
  const folder = given ?? join(mkdtempSync(join(tmpdir(), 'evolmm-bench-')), 'model')
  await initializeCheckpoint(folder, { backbone, seed, dtype, sourceFolder: tiny })
  return { folder, backbone }
}
