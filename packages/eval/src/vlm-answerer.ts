/** A model of @evolmm/vlm, or anything of that form, as an answerer. */
import { createHash } from 'node:crypto'
import { basename, dirname } from 'node:path'
import type { Answerer } from './answerer'
import type { TaskImage } from './task'

/** The part of `Vlm` that is needed; images, prompts and adapters stay what they are. */
export interface AnsweringVlm<Image, Prompt, Adapter extends { parameters: Float32Array }> {
  folder: string
  encodeImage: (source: string | Uint8Array) => Promise<Image>
  prompt: (options: { prompt: string; system?: string | undefined; images: readonly Image[] }) => Prompt
  sample: (options: {
    prompts: readonly Prompt[]
    seeds: readonly (number | readonly number[])[]
    adapter?: Adapter | undefined
    samples?: number | undefined
    temperature?: number | undefined
    topP?: number | undefined
    maxNewTokens?: number | undefined
  }) => Promise<
    readonly (readonly { text: string; ids: ArrayLike<number>; finishReason: 'stop' | 'length' }[])[]
  >
}

export interface VlmAnswererOptions<Adapter> {
  /** @default the base model */
  adapter?: Adapter | undefined
  /** As in reports and folders. @default the last two parts of the checkpoint's path */
  name?: string | undefined
}

export function vlmAnswerer<Image, Prompt, Adapter extends { parameters: Float32Array }>(
  vlm: AnsweringVlm<Image, Prompt, Adapter>,
  { adapter, name }: VlmAnswererOptions<Adapter> = {},
): Answerer {
  // Of the last call: neighbouring rows often ask about one image, and diagnostics ask about it several times.
  let known = new Map<string, Promise<Image>>()
  return {
    name: name ?? `${basename(dirname(vlm.folder))}/${basename(vlm.folder)}`,
    identity: () => ({ folder: vlm.folder, adapter: adapter ? digest(adapter.parameters) : null }),
    answer: async (requests, { samples, temperature, topP, maxNewTokens }) => {
      const encoded = new Map<string, Promise<Image>>()
      const encode = (image: TaskImage): Promise<Image> => {
        const key = keyOf(image)
        const found = encoded.get(key) ?? known.get(key) ?? vlm.encodeImage(image)
        encoded.set(key, found)
        return found
      }
      const prompts: Prompt[] = []
      for (const { prompt, system, images } of requests) {
        const shown: Image[] = []
        for (const image of images) shown.push(await encode(image))
        prompts.push(vlm.prompt({ prompt, system, images: shown }))
      }
      if (encoded.size > 0) known = encoded
      const completions = await vlm.sample({
        prompts,
        seeds: requests.map(({ seed }) => seed ?? 0),
        adapter,
        samples,
        temperature: temperature ?? 0,
        topP,
        maxNewTokens,
      })
      return completions.map((group) =>
        group.map(({ text, ids, finishReason }) => ({ text, tokens: ids.length, finishReason })),
      )
    },
  }
}

/** Bytes are read anew for each row; equal bytes are one image. */
function keyOf(image: TaskImage): string {
  return typeof image === 'string' ? `path ${image}` : createHash('sha256').update(image).digest('hex')
}

/** Parameters change while one trains; answers of other parameters are answers of another model. */
function digest({ buffer, byteOffset, byteLength }: Float32Array): string {
  return createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex')
    .slice(0, 16)
}
