/** A model for as long as a command needs it. */
import { stat } from 'node:fs/promises'
import { EvolmmError } from '@evolmm/internal'
import type { Context } from './context'
import type { Adapter, EncodedImage, Prompt } from '@evolmm/vlm'
import type { HubOptions, Vlm } from './library'
import type { AdapterFlags, ModelFlags, PromptFlags } from './options'
import { showProgress, type Progress } from './progress'
import { refuseRun } from './refuse-run'

export async function withModel<T>(
  context: Context,
  flags: ModelFlags & Pick<PromptFlags, 'min_pixels' | 'max_pixels'>,
  work: (vlm: Vlm, progress: Progress) => Promise<T>,
): Promise<T> {
  const progress = showProgress(context)
  let vlm: Vlm
  try {
    vlm = await context.library.loadVlm(flags.model, {
      device: flags.device,
      dtype: flags.dtype,
      quantize: flags.quantize === 'none' ? undefined : flags.quantize,
      threads: flags.threads,
      cacheDir: flags.cache_dir,
      minPixels: flags.min_pixels,
      maxPixels: flags.max_pixels,
      hub: { revision: flags.revision, ...hubOptions(progress) },
      onWiden: progress.onWiden,
      onQuantize: progress.onQuantize,
      onWarning: (message) => {
        progress.onWarning({ message })
      },
    })
  } finally {
    progress.clear()
  }
  try {
    return await work(vlm, progress)
  } finally {
    progress.clear()
    await vlm.dispose()
  }
}

export interface Prepared {
  vlm: Vlm
  adapter: Adapter | undefined
  images: readonly EncodedImage[]
  prompt: Prompt
}

/** The same with the prompt and the adapter that the flags name. What can be checked before loading is. */
export async function withPrompt<T>(
  context: Context,
  flags: PromptFlags,
  work: (prepared: Prepared) => Promise<T>,
): Promise<T> {
  const { image: files = [] } = flags
  checkAdapterFlags(flags)
  if ((flags.min_pixels ?? 0) > (flags.max_pixels ?? Infinity))
    throw new EvolmmError(
      'INVALID_OPTION',
      `--min_pixels: must be at most --max_pixels, got ${flags.min_pixels} and ${flags.max_pixels}; change one of them`,
    )
  for (const file of files) await checkFile(file)
  return withModel(context, flags, async (vlm, progress) => {
    const adapter = await openAdapter(vlm, flags, progress)
    const images: EncodedImage[] = []
    for (const file of files) images.push(await vlm.encodeImage(file))
    const prompt = vlm.prompt({ images, prompt: flags.prompt, system: flags.system })
    return work({ vlm, adapter, images, prompt })
  })
}

export function checkAdapterFlags({ adapter, adapter_subfolder: subfolder }: AdapterFlags): void {
  if (subfolder !== undefined && adapter === undefined)
    throw new EvolmmError(
      'INVALID_OPTION',
      `--adapter_subfolder: must go with --adapter, got ${JSON.stringify(subfolder)} alone; add --adapter or leave it out`,
    )
}

export async function openAdapter(
  vlm: Vlm,
  flags: AdapterFlags,
  progress: Progress,
): Promise<Adapter | undefined> {
  if (flags.adapter === undefined) return undefined
  const { adapter: name, adapter_subfolder: adapterName } = flags
  const hub = hubOptions(progress)
  const adapter = await vlm.loadAdapter(name, { adapterName, hub }).catch(async (error: unknown) => {
    await refuseRun('--adapter', name, 'an adapter')
    // A run's checkpoints and the published adapters keep the solver in a subfolder.
    if (adapterName !== undefined || !otherAdapters(error).includes('solver')) throw error
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
      `--image ${JSON.stringify(file)}: must be a file that can be read, got ${why}; check the path`,
    )
}

export function hubOptions({ onDownload, onWarning }: Progress): HubOptions {
  return { onProgress: onDownload, onWarning }
}
