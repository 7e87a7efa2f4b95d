/** Rows that the schemas of several methods and commands have, so that a flag means the same everywhere. */
import { deviceKinds, floatTypes, samplingDefaults } from '@evolmm/internal'
import { choice, integer, number, text } from './row'
import type { Rule, Values } from './schema'

/** The settings by which a model is opened. */
export const modelRows = {
  model: text(null, 'folder of a checkpoint, or ORG/NAME[@revision] on the hub', {
    value: 'dir_or_id',
    required: true,
    identity: true,
    elsewhere: ['model_name_or_path', 'model_path'],
  }),
  revision: text(null, 'branch, tag or commit on the hub', {
    value: 'name',
    otherwise: 'main',
    identity: true,
    elsewhere: ['model_revision'],
  }),
  device: choice(['auto', ...deviceKinds], 'where to compute; auto prefers cuda', {
    also: { 'cuda:0': 'cuda' },
    numbered: 'cuda',
    identity: false,
    elsewhere: ['use_cpu', 'no_cuda'],
  }),
  dtype: choice(floatTypes, 'type of the weights', {
    identity: true,
    elsewhere: ['bf16', 'fp16', 'torch_dtype', 'mixed_precision'],
  }),
  quantize: choice(['none', 'int4'], 'hold the matrices of linear modules in 4 bits', {
    identity: true,
    elsewhere: ['load_in_4bit', 'load_in_8bit'],
  }),
  threads: integer(null, 'threads on the CPU', {
    min: 1,
    otherwise: "the runtime's choice",
    identity: false,
    elsewhere: ['dataloader_num_workers', 'num_cpu_threads_per_process'],
  }),
  cache_dir: text(null, 'where widened and quantized weights are kept', {
    value: 'dir',
    otherwise: '~/.cache/evolmm/weights',
    option: 'cacheDir',
    identity: false,
  }),
}

/** The settings that say how large images become. */
export const pixelRows = {
  min_pixels: integer(null, 'enlarge smaller images to this area, in pixels', {
    min: 1,
    otherwise: "the checkpoint's",
    option: 'minPixels',
    identity: true,
    elsewhere: ['data.min_pixels'],
  }),
  max_pixels: integer(null, 'reduce larger images to this area, in pixels', {
    min: 1,
    otherwise: "the checkpoint's",
    option: 'maxPixels',
    identity: true,
    elsewhere: ['data.max_pixels'],
  }),
  image_options: text(null, "further limits of images, in the model's own names", {
    value: 'pairs',
    otherwise: "the checkpoint's",
    option: 'imageOptions',
    must: {
      rule: 'be names and values such as max_tiles=6,pan_and_scan=true, the areas left out, which have settings of their own',
      holds: (given) =>
        pairsOf(given).every((pair) => pairForm.test(pair)) && !/\b(min|max)_pixels\b/.test(given),
    },
    identity: true,
  }),
}

const pairsOf = (given: string) => given.split(',')
const pairForm = /^([a-z][a-z0-9_]*)=(\d{1,15}|true|false)$/

/** What these settings say, by the names that a model has for it, `maxTiles` for max_tiles; nothing where they say nothing. */
export function imageOptions({
  min_pixels: min,
  max_pixels: max,
  image_options: further,
}: Values<typeof pixelRows>): Record<string, number | boolean> {
  const pairs = (further === null ? [] : pairsOf(further)).map((pair) => {
    const [, name = '', value = ''] = pairForm.exec(pair) ?? []
    const camel = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    return [camel, /^\d/.test(value) ? Number(value) : value === 'true'] as const
  })
  return {
    ...(min !== null && { minPixels: min }),
    ...(max !== null && { maxPixels: max }),
    ...Object.fromEntries(pairs),
  }
}

export const pixelRule: Rule<typeof pixelRows> = {
  about: 'min_pixels',
  wrong: ({ min_pixels: min, max_pixels: max }, the) =>
    (min ?? 0) > (max ?? Infinity) &&
    `must be at most ${the('max_pixels')}, got ${min} and ${max}; change one of them`,
}

/** The settings that say which adapter a model has. */
export const adapterRows = {
  adapter: text(null, 'LoRA adapter in the PEFT layout', {
    value: 'dir_or_id',
    otherwise: 'none',
    identity: true,
  }),
  adapter_subfolder: text(null, 'folder of a named adapter in it', {
    value: 'name',
    otherwise: 'its own, or solver',
    option: 'adapterName',
    identity: true,
  }),
}

/** The settings by which answers are drawn. */
export const samplingRows = {
  max_new_tokens: integer(samplingDefaults.maxNewTokens, 'stop an answer after this many tokens', {
    min: 1,
    option: 'maxNewTokens',
    identity: true,
    elsewhere: ['max_completion_length', 'max_tokens'],
  }),
  temperature: number(samplingDefaults.temperature, '0 always takes the likeliest token', {
    min: 0,
    value: 't',
    identity: true,
  }),
  top_p: number(samplingDefaults.topP, 'draw from the fewest tokens that share this probability', {
    above: 0,
    max: 1,
    value: 'p',
    option: 'topP',
    identity: true,
    elsewhere: ['rollout.top_p'],
  }),
  top_k: integer(samplingDefaults.topK, 'draw from this many of the likeliest tokens, 0 from all', {
    min: 0,
    option: 'topK',
    identity: true,
    elsewhere: ['rollout.top_k'],
  }),
  seed: integer(0, 'the same seed gives the same answers', { min: 0, identity: true }),
}

/** What is said of an adapter's folder without an adapter. */
export const adapterRule: Rule<typeof adapterRows> = {
  about: 'adapter_subfolder',
  wrong: ({ adapter, adapter_subfolder: subfolder }, the) =>
    subfolder !== null &&
    adapter === null &&
    `must go with ${the('adapter')}, got ${JSON.stringify(subfolder)} alone; add ${the('adapter')} or leave it out`,
}
