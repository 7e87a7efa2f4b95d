/** Refuses work that does not fit, and says what would make it fit. */
import { countOf } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { estimateMemory, type MemoryEstimate, type MemoryOptions } from './memory-estimate'

/** Throws `MEMORY_EXCEEDED` if the estimate is above `available` bytes. */
export function checkMemory(estimate: MemoryEstimate, available: number): void {
  const { total, parts, options } = estimate
  if (total <= available) return
  const savings = remedies(options)
    .map(({ advice, changes }) => ({ advice, total: estimateMemory({ ...options, ...changes }).total }))
    .filter((remedy) => remedy.total < 0.97 * total)
  const enough = savings.filter((remedy) => remedy.total <= available)
  const best = savings.toSorted((a, b) => a.total - b.total).slice(0, 2)
  const fix =
    enough.length > 0
      ? `${enough.map(({ advice, total: left }) => `${advice} (${gigabytes(left)})`).join(', or ')} would do`
      : savings.length > 0
        ? `no single option is enough; ${best.map(({ advice, total: left }) => `${advice} (${gigabytes(left)})`).join(' and ')} help most`
        : 'use a smaller model or a machine with more memory'
  const largest = Object.entries(parts)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([name, bytes]) => `${name} ${gigabytes(bytes)}`)
  throw new EvolmmError(
    'MEMORY_EXCEEDED',
    `memory: must be at most ${gigabytes(available)}, got about ${gigabytes(total)} (${largest.join(', ')}); ${fix}`,
    { details: { total, available, parts } },
  )
}

interface Remedy {
  advice: string
  changes: Partial<MemoryOptions>
}

/** What a caller can change, from what costs least to what costs most. */
function remedies(options: MemoryOptions): Remedy[] {
  const { checkpointed = false, groups = 1, samples = 1, completionTokens, imagePatches = [] } = options
  const { patchesPerToken = 1 } = options.backbone.vision?.shape ?? {}
  const all: (Remedy | false)[] = [
    !checkpointed && { advice: 'checkpointed: true', changes: { checkpointed: true } },
    // Weights that are trained as a whole cannot be.
    options.quantize === undefined &&
      (options.trainable ?? 0) < weightCount(options.backbone) / 4 && {
        advice: "quantize: 'int4'",
        changes: { quantize: 'int4' },
      },
    groups > 1 && { advice: 'one group at a time', changes: { groups: 1 } },
    imagePatches.length > 0 && {
      advice: 'half the pixels of an image',
      changes: {
        imagePatches: imagePatches.map((count) => Math.ceil(count / 2)),
        promptTokens: Math.max(
          1,
          options.promptTokens -
            Math.floor(imagePatches.reduce((sum, count) => sum + count, 0) / 2 / patchesPerToken),
        ),
      },
    },
    samples > 1 && { advice: 'half the samples', changes: { samples: Math.ceil(samples / 2) } },
    completionTokens > 1 && {
      advice: 'completions of half the length',
      changes: { completionTokens: Math.ceil(completionTokens / 2) },
    },
  ]
  return all.filter((remedy) => remedy !== false)
}

function weightCount({ weights }: MemoryOptions['backbone']): number {
  const shapes = [...weights.values()]
  return shapes.reduce((sum, shape) => sum + countOf(shape), 0)
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toPrecision(3)} GB`
}
