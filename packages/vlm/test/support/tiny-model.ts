/** The tiny checkpoint with its programs and the reference's adapters, opened once for all tests of a file. */
import { join } from 'node:path'
import { decodeImage } from '../../src/image/decode-image'
import { trainable, type Trainable } from '../../src/programs/trainable'
import { openLearner, openLogits, openModel, tensorsOf, type Group } from './model'
import { adapterTensor, reference } from './reference'
import { tinyFolder } from './safetensors'

export const tiny = await openModel(tinyFolder)

const { targets, r: rank, alpha } = reference.lora
const adapted = [...tiny.backbone.modules.keys()].filter((name) =>
  targets.includes(name.split('.').at(-1) ?? ''),
)

/** The reference's adapters, vision included, or only those of the language model. */
export const adapters = adaptersOn(adapted)
export const languageAdapters = adaptersOn(adapted.filter((name) => !tiny.backbone.isVision(name)))

function adaptersOn(modules: readonly string[]): Trainable {
  return trainable(tiny.backbone, new Map(modules.map((name) => [name, { rank, alpha }])))
}

export const learn = openLearner(tiny, adapters)
export const learnAnew = openLearner(tiny, adapters, { checkpointed: true })
export const scoreBase = openLearner(tiny)
export const logits = await openLogits(tiny)

/** The reference's adapters as they were before the first step. */
export function startingParameters(trained: Trainable): Float32Array {
  const parameters = new Float32Array(trained.layout.size)
  for (const [name, values] of tensorsOf(trained, parameters)) values.set(adapterTensor('lora', name))
  return parameters
}

/** A case of the reference as a group of its own, with other images if they are given. */
export async function caseGroup(name: string, files?: readonly string[]): Promise<Group> {
  const index = reference.cases.findIndex((item) => item.name === name)
  const { prompt_ids: ids, completion_ids: completion, images } = reference.cases[index]
  const { advantage, beta } = reference.lora.losses[index]
  const decoded = await Promise.all(
    (files ?? images).map((file) => decodeImage(join(tinyFolder, 'images', file))),
  )
  return {
    ids,
    images: decoded.map(tiny.prepare),
    imageSpans: imageSpans(ids),
    completions: [completion],
    advantages: [advantage],
    beta,
  }
}

/** Runs of the image token. */
export function imageSpans(ids: readonly number[]): Group['imageSpans'] {
  const imageToken = tiny.backbone.prompt.tokens.get('<|image_pad|>')
  return [...ids.keys()].filter((i) => ids[i] === imageToken).map((start) => ({ start, length: 1 }))
}
