/** EvoLMM's part of a run on disk: models, images, the state, and the loop over it. */
import { openImageDataset } from '@evolmm/dataset'
import { EvolmmError } from '@evolmm/internal'
import type { Checkpoint, OpenContext, OpenMethod } from '@evolmm/runs'
import { loadVlm, runtimeVersion, type Adapter, type Vlm } from '@evolmm/vlm'
import { evolve } from './evolve'
import type { IterationRecord } from './record'
import type { Role } from './role'
import type { EvolmmSettings } from './settings/settings'
import { checkedData, loadedState, savedState, type Models } from './saved-state'
import { startState, type TrainerState } from './state'
import type { TrainOptions } from './train-options'
import { watchQuestions } from './watch-questions'

type Resolved = TrainOptions & { settings: EvolmmSettings }

export async function openEvolmm(
  options: Resolved,
  { from, signal, onWarning, defer }: OpenContext,
): Promise<OpenMethod<IterationRecord>> {
  const { data, settings, probe, adapterLayout } = options
  // What is known of the images goes on with the run.
  const images = await openImageDataset({
    ...data,
    state: from && checkedData(from).dataset,
    onWarning: ({ message }) => {
      onWarning(message, 'IMAGES')
    },
  })
  const models = await openModels(options, defer)
  const state = await openState(options, models, from)
  const { solver, proposer } = models
  return {
    records: watched(
      evolve({
        settings,
        solver: solver.vlm,
        proposer: proposer.vlm,
        images,
        state,
        signal,
        onWarning: (message) => {
          onWarning(message, 'ITERATION')
        },
      }),
      onWarning,
    ),
    state: () =>
      savedState(state, { models, dataset: images.state, ...(adapterLayout && { adapterLayout }) }),
    ...(probe && {
      probe: {
        every: probe.every,
        run: () => probe.run({ vlm: solver.vlm, adapter: state.solver.adapter }),
        onTime: ({ seconds: spent }: IterationRecord, seconds: number) => {
          spent.probe = seconds
          spent.total += seconds
        },
      },
    }),
    facts: { images: { root: images.root, count: images.length } },
    versions: { onnxruntime: runtimeVersion() },
  }
}

/** The backbone is shared when both roles have the same; the models are opened one after the other. */
async function openModels(options: TrainOptions, defer: OpenContext['defer']): Promise<Models> {
  const open = async ({ model }: { model: string }): Promise<Vlm> => {
    const vlm = await loadVlm(model, options.load)
    defer(() => vlm.dispose())
    return vlm
  }
  const { solver, proposer } = options
  const vlm = await open(solver)
  const other = proposer.model === solver.model ? vlm : await open(proposer)
  return {
    solver: { vlm, name: solver.model, vision: solver.vision ?? false },
    proposer: { vlm: other, name: proposer.model, vision: proposer.vision ?? false },
  }
}

async function openState(
  options: Resolved,
  models: Models,
  from: Checkpoint | undefined,
): Promise<TrainerState> {
  if (from !== undefined) return (await loadedState(from, { models })).state
  const { seed } = options.settings
  const open = async (role: Role, place: number): Promise<Adapter> => {
    const { lora, vision = false, adapter } = options[role]
    const { vlm } = models[role]
    if (lora === undefined) return vlm.trainWeights({ vision })
    // Two roles, two beginnings.
    if (adapter === undefined) return vlm.createAdapter({ ...lora, vision, seed: seed * 2 + place })
    const opened = await startAdapter(vlm, adapter, role)
    if (vision || !opened.trainable.vision) return opened
    throw new EvolmmError(
      'INVALID_OPTION',
      `${role}.adapter: must leave the vision tower as it is while vision is off, got ${adapter}, which adapts it; set vision`,
    )
  }
  return startState({ solver: await open('solver', 0), proposer: await open('proposer', 1) })
}

/** The adapter of a folder itself, or of the subfolder that checkpoints have for the role. */
async function startAdapter(vlm: Vlm, adapter: string, role: Role): Promise<Adapter> {
  return vlm.loadAdapter(adapter).catch((error: unknown) => {
    const others = error instanceof EvolmmError && error.code === 'INVALID_ADAPTER' && error.details.others
    if (Array.isArray(others) && others.includes(role)) return vlm.loadAdapter(adapter, { adapterName: role })
    throw error
  })
}

async function* watched(
  records: AsyncIterable<IterationRecord>,
  onWarning: OpenContext['onWarning'],
): AsyncGenerator<IterationRecord> {
  const questions = watchQuestions(onWarning)
  for await (const record of records) {
    questions.observe(record)
    yield record
  }
  questions.end()
}
