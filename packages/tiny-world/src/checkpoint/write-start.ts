/** The model before its first step: random weights, and the files of tokenizer and image processor. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initializeCheckpoint, openBackbone } from '@evolmm/vlm'
import { chartSize } from '../draw-chart'
import { chatTemplate } from './chat-template'
import { corpus, stepCorpus } from './corpus'
import { initialDeviation, modelConfig } from './model-config'
import { json, specialIds, tokenizerFiles } from './tokenizer-files'
import { trainBpe, type BytePairs } from './train-bpe'

/** The words of the world, and with `steps` those of a start for M-STaR after them. */
function worldWords(steps: boolean): BytePairs {
  const words = trainBpe(corpus())
  return steps ? trainBpe(stepCorpus(), words) : words
}

export interface WriteStartOptions {
  seed: number
  /** Have words for rationales as well. @default false */
  steps?: boolean
}

/** Writes a checkpoint in the Hugging Face layout. Same seed, same files. */
export async function writeStart(folder: string, { seed, steps = false }: WriteStartOptions): Promise<void> {
  const words = worldWords(steps)
  const companions = await mkdtemp(join(tmpdir(), 'evolmm-tiny-world-'))
  try {
    const files = { ...tokenizerFiles(words, chatTemplate), ...processorFiles(words) }
    for (const [name, content] of Object.entries(files)) await writeFile(join(companions, name), content)
    await initializeCheckpoint(folder, {
      backbone: openBackbone(modelConfig(words)),
      seed,
      standardDeviation: initialDeviation,
      sourceFolder: companions,
    })
  } finally {
    await rm(companions, { recursive: true })
  }
}

function processorFiles(words: BytePairs): Record<string, string> {
  const ids = specialIds(words)
  return {
    'generation_config.json': json({
      bos_token_id: ids['<|endoftext|>'],
      pad_token_id: ids['<|endoftext|>'],
      eos_token_id: [ids['<|im_end|>'], ids['<|endoftext|>']],
      do_sample: true,
      temperature: 1,
    }),
    // Any image becomes about 16 tokens, the size that the model knows.
    'preprocessor_config.json': json({
      min_pixels: chartSize ** 2,
      max_pixels: chartSize ** 2,
      patch_size: 14,
      temporal_patch_size: 2,
      merge_size: 2,
      image_mean: [0.48145466, 0.4578275, 0.40821073],
      image_std: [0.26862954, 0.26130258, 0.27577711],
      image_processor_type: 'Qwen2VLImageProcessor',
      processor_class: 'Qwen2_5_VLProcessor',
    }),
  }
}
