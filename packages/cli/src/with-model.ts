/** A model for as long as a command needs it. */
import { stat } from 'node:fs/promises'
import {
  modelOptions,
  optionsOf,
  pixelOptions,
  type adapterRows,
  type modelRows,
  type pixelRows,
  type Values,
} from '@evolmm/settings'
import type { Adapter, EncodedImage, Prompt } from '@evolmm/vlm'
import type { Context } from './context'
import { EvolmmError } from './errors'
import type { HubOptions, Vlm } from './library'
import type { promptRows } from './prompt-rows'
import { showProgress, type ProgressListeners } from './progress'
import { refuseRun } from './refuse-run'

type ModelValues = Values<typeof modelRows> & Partial<Values<typeof pixelRows>>
type AdapterValues = Values<typeof adapterRows>
type PromptValues = ModelValues & AdapterValues & Omit<Values<typeof promptRows>, 'prompt'>

export async function withModel<T>(
  context: Context,
  settings: ModelValues,
  work: (vlm: Vlm, progress: ProgressListeners) => Promise<T>,
): Promise<T> {
  const progress = showProgress(context)
  const vlm = await openModel(context, settings, progress)
  try {
    return await work(vlm, progress)
  } finally {
    progress.clear()
    await vlm.dispose()
  }
}

/** A model for whoever disposes of it. */
export async function openModel(
  context: Context,
  settings: ModelValues,
  progress: ProgressListeners,
): Promise<Vlm> {
  const { hub, ...options } = modelOptions(settings)
  try {
    return await context.library.loadVlm(settings.model, {
      ...options,
      ...pixelOptions({ min_pixels: null, max_pixels: null, image_options: null, ...settings }),
      hub: { ...hub, ...hubOptions(progress) },
      onWiden: progress.onWiden,
      onQuantize: progress.onQuantize,
      onWarning: progress.onWarning,
    })
  } finally {
    progress.clear()
  }
}

export interface PreparedPrompt {
  vlm: Vlm
  adapter: Adapter | undefined
  images: readonly EncodedImage[]
  prompt: Prompt
}

/** The same with a prompt and the adapter that the settings name. What can be checked before loading is. */
export async function withPrompt<T>(
  context: Context,
  settings: PromptValues & { prompt: string },
  work: (prepared: PreparedPrompt) => Promise<T>,
): Promise<T> {
  const { image: files, prompt, system } = settings
  for (const file of files ?? []) await checkFile(file)
  return withModel(context, settings, async (vlm, progress) => {
    const adapter = await openAdapter(vlm, settings, progress)
    const images: EncodedImage[] = []
    for (const file of files ?? []) images.push(await vlm.encodeImage(file))
    return work({ vlm, adapter, images, prompt: vlm.prompt({ images, prompt, ...optionsOf({ system }) }) })
  })
}

export async function openAdapter(
  vlm: Vlm,
  { adapter: name, adapter_subfolder: subfolder }: AdapterValues,
  progress: ProgressListeners,
): Promise<Adapter | undefined> {
  if (name === null) return undefined
  const hub = hubOptions(progress)
  const named = optionsOf({ adapterName: subfolder })
  const adapter = await vlm.loadAdapter(name, { ...named, hub }).catch(async (error: unknown) => {
    await refuseRun('adapter', name, 'an adapter')
    // A run's checkpoints and the published adapters keep the solver in a subfolder.
    if (subfolder !== null || !otherAdapters(error).includes('solver')) throw error
    return vlm.loadAdapter(name, { adapterName: 'solver', hub })
  })
  progress.clear()
  return adapter
}

/** Named adapters in a folder that has none itself. */
function otherAdapters(error: unknown): readonly string[] {
  const others = error instanceof EvolmmError && error.code === 'INVALID_ADAPTER' ? error.details.others : []
  return Array.isArray(others) ? (others as string[]) : []
}

async function checkFile(file: string): Promise<void> {
  const why = await stat(file).then(
    (entry) => (entry.isDirectory() ? 'a folder' : undefined),
    (error: unknown) => ((error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : String(error)),
  )
  if (why !== undefined)
    throw new EvolmmError(
      'IMAGE_UNREADABLE',
      `image ${JSON.stringify(file)}: must be a file that can be read, got ${why}; check the path`,
      { details: { option: 'image', value: file } },
    )
}

export function hubOptions({ onDownload, onWarning }: ProgressListeners): HubOptions {
  return { onProgress: onDownload, onWarning }
}
