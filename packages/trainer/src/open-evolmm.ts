/** EvoLMM's part of a run on disk: models, images, the state, and the loop over it. */
import { openImageDataset } from '@evolmm/dataset'
import { orGoOnEarlier, type Checkpoint, type OpenContext, type OpenMethod } from '@evolmm/runs'
import {
  checkParameters,
  loadVlm,
  openConfig,
  plannedAdapter,
  runtimeVersion,
  type Adapter,
  type LoadVlmOptions,
  type Vlm,
} from '@evolmm/vlm'
import { optionsOf } from '@evolmm/settings'
import { EvolmmError } from './errors'
import { evolve } from './evolve'
import { loadOptions, roleOptions } from './model-options'
import type { IterationRecord } from './record/record'
import { perRole, perRoleInTurn, roles, type Role } from './role'
import type { EvolmmRows } from './settings/rows'
import type { EvolmmSettings } from './settings/settings'
import { checkedData, loadedState, savedState, type Models } from './saved-state'
import { startState, type TrainerState } from './state'
import type { Probe } from './train-options'
import { watchAnswers } from './watch-answers'
import { watchQuestions } from './watch-questions'

export interface OpenEvolmmOptions extends Pick<LoadVlmOptions, 'hub' | 'onWiden' | 'onQuantize'> {
  probe: Probe | undefined
}

type EvolmmContext = OpenContext<EvolmmRows>

export async function openEvolmm(
  { settings, from, signal, onWarning, defer }: EvolmmContext,
  { probe, ...loading }: OpenEvolmmOptions,
): Promise<OpenMethod<IterationRecord>> {
  // What is known of the images goes on with the run.
  const images = await openImageDataset({
    root: settings.data_dir,
    ...optionsOf({ includeSubfolders: settings.include_subfolders, manifest: settings.manifest }),
    seed: settings.seed,
    reshuffle: settings.reshuffle,
    state: from && checkedData(from).dataset,
    onWarning,
  }).catch((error: unknown) => {
    if (from !== undefined && error instanceof EvolmmError && error.code === 'STATE_INVALID')
      orGoOnEarlier(from.folder)(error)
    throw error
  })
  const hub = { ...loading.hub, signal }
  for (const role of roles) await checkTrainedSize(settings, role, hub)
  const models = await openModels(settings, { ...loading, hub, onWarning }, defer)
  const state = await openState(settings, models, from)
  const { solver } = models
  return {
    checkpointBytes: await checkpointBytes(state, models),
    records: withWatches(
      evolve({
        settings,
        ...perRole((role) => models[role].vlm),
        images,
        state,
        signal,
        onWarning,
      }),
      onWarning,
    ),
    state: () => savedState(state, { models, dataset: images.state, adapterLayout: settings.adapter_layout }),
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

/** The backbone is shared when roles have the same; the models are opened one after the other. */
async function openModels(
  settings: EvolmmSettings,
  loading: LoadVlmOptions,
  defer: EvolmmContext['defer'],
): Promise<Models> {
  const open = async (model: string): Promise<Vlm> => {
    const vlm = await loadVlm(model, loadOptions(settings, loading))
    defer(() => vlm.dispose())
    return vlm
  }
  const opened = new Map<string, Vlm>()
  return perRoleInTurn(async (role) => {
    const name = settings[`${role}_model`]
    const vlm = opened.get(name) ?? (await open(name))
    opened.set(name, vlm)
    return { vlm, name, vision: !settings.freeze_vision }
  })
}

/** Weights that no vector holds are refused from the configuration, before any of them is fetched or read. */
async function checkTrainedSize(
  settings: EvolmmSettings,
  role: Role,
  hub: LoadVlmOptions['hub'],
): Promise<void> {
  const { model, lora, vision } = roleOptions(settings, role)
  if (lora !== undefined) return
  const { backbone } = await openConfig(model, { hub: loadOptions(settings, { hub }).hub })
  const { parameters } = plannedAdapter({ backbone, full: { vision } })
  checkParameters(`${role}_model ${model}`, parameters, `set use_lora_${role}, or take a smaller model`)
}

async function openState(
  settings: EvolmmSettings,
  models: Models,
  from: Checkpoint | undefined,
): Promise<TrainerState> {
  if (from !== undefined) return (await loadedState(from, { models })).state
  const open = async (role: Role): Promise<Adapter> => {
    const { lora, vision, adapter } = roleOptions(settings, role)
    const { vlm } = models[role]
    if (lora === undefined) return vlm.trainWeights({ vision })
    // Each role has a beginning of its own.
    const seed = settings.seed * roles.length + roles.indexOf(role)
    if (adapter === undefined) return vlm.createAdapter({ ...lora, vision, seed })
    const opened = await startAdapter(vlm, adapter, role)
    if (vision || !opened.trainable.vision) return opened
    throw new EvolmmError(
      'INVALID_OPTION',
      `${role}_adapter: must leave the vision tower as it is while freeze_vision is on, got ${adapter}, which adapts it; turn that off`,
      { details: { option: `${role}_adapter`, value: adapter } },
    )
  }
  return startState(await perRoleInTurn(open))
}

/** What a checkpoint has of each role: the policy, and two moments for each of its parameters. */
async function checkpointBytes(state: TrainerState, models: Models): Promise<number> {
  const sizes = await perRoleInTurn(async (role) => {
    const { adapter } = state[role]
    return (await models[role].vlm.savedBytes(adapter)) + 8 * adapter.parameters.length
  })
  return roles.reduce((sum, role) => sum + sizes[role], 0)
}

/** The adapter of a folder itself, or of the subfolder that checkpoints have for the role. */
async function startAdapter(vlm: Vlm, adapter: string, role: Role): Promise<Adapter> {
  return vlm.loadAdapter(adapter).catch((error: unknown) => {
    const others = error instanceof EvolmmError && error.code === 'INVALID_ADAPTER' && error.details.others
    if (Array.isArray(others) && others.includes(role)) return vlm.loadAdapter(adapter, { adapterName: role })
    throw error
  })
}

async function* withWatches(
  records: AsyncIterable<IterationRecord>,
  onWarning: EvolmmContext['onWarning'],
): AsyncGenerator<IterationRecord> {
  const watches = [watchQuestions(onWarning), watchAnswers(onWarning)]
  for await (const record of records) {
    for (const watch of watches) watch.observe(record)
    yield record
  }
  for (const watch of watches) watch.end()
}
