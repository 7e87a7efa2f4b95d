/** A tiny checkpoint with its programs and the reference's adapters, opened once for all tests of a file. */
import { join } from 'node:path'
import { decodeImage } from '../../src/image/decode-image'
import { openPrompting } from '../../src/open-folder'
import { buildPrompt } from '../../src/build-prompt'
import { trainable, type Trainable } from '../../src/programs/trainable'
import { openLearner, openLogits, openModel, tensorsOf, type Group, type TestModel } from './model'
import type { Reference, ReferenceNumbers } from './reference'

export interface FixtureModel {
  reference: Reference
  model: TestModel
  /** The reference's adapters, vision included where it has some there, or only those of the language model. */
  adapters: Trainable
  languageAdapters: Trainable
  learn: ReturnType<typeof openLearner>
  learnAnew: ReturnType<typeof openLearner>
  scoreBase: ReturnType<typeof openLearner>
  logits: Awaited<ReturnType<typeof openLogits>>
  adaptersOn: (modules: readonly string[]) => Trainable
  /** Adapters as they were before the first step; `kind` is what their tensors are called. @default 'lora' */
  startingParameters: (trained: Trainable, kind?: string) => Float32Array
  /** A case of the reference as a group of its own, with other images if they are given. */
  caseGroup: (name: string, files?: readonly string[]) => Promise<Group>
}

export async function openFixture(reference: Reference): Promise<FixtureModel> {
  const { folder, numbers } = reference
  const model = await openModel(folder)
  const { backbone } = model
  const prompting = await openPrompting(folder, backbone)
  const { r: rank, alpha } = numbers.lora
  const adaptersOn = (modules: readonly string[]) =>
    trainable(backbone, new Map(modules.map((name) => [name, { rank, alpha }])))
  const adapted = reference.adapted('lora')
  const adapters = adaptersOn(adapted)
  return {
    reference,
    model,
    adapters,
    languageAdapters: adaptersOn(adapted.filter((name) => !backbone.isVision(name))),
    learn: openLearner(model, adapters),
    learnAnew: openLearner(model, adapters, { checkpointed: true }),
    scoreBase: openLearner(model),
    logits: await openLogits(model),
    adaptersOn,
    startingParameters: (trained, kind = 'lora') => {
      const parameters = new Float32Array(trained.layout.size)
      for (const [name, values] of tensorsOf(trained, parameters))
        values.set(reference.adapterTensor(kind, name))
      return parameters
    },
    caseGroup: async (name, files) => {
      const { index, ...item } = caseOf(numbers, name)
      const { advantage, beta } = numbers.lora.losses[index]
      const images = await Promise.all(
        (files ?? item.images).map(async (file) =>
          model.prepare(await decodeImage(join(folder, 'images', file))),
        ),
      )
      const { ids, imageSpans } = buildPrompt({
        ...prompting,
        rules: backbone.prompt,
        images,
        prompt: item.prompt,
        system: item.system ?? undefined,
      })
      const completions = [item.completion_ids]
      return { ids: [...ids], images, imageSpans, completions, advantages: [advantage], beta }
    },
  }
}

function caseOf({ cases }: ReferenceNumbers, name: string) {
  const index = cases.findIndex((item) => item.name === name)
  return { index, ...cases[index] }
}
