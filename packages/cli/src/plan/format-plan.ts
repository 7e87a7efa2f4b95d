/** A plan for people. */
import { formatBytes } from '@evolmm/internal'
import { memoryKinds, memoryPhases, type MemoryKind, type MemoryPhase, type PlacedBytes } from '@evolmm/plan'
import type { ShownReport } from './shown-report'

const kindNames: Record<MemoryKind, string> = {
  runtime: 'runtime',
  weights: 'weights',
  adapters: 'adapters',
  gradient: 'gradient',
  optimizer: 'optimizer',
  images: 'images',
  promptCache: 'prompt cache',
  activations: 'activations',
  lossBuffers: 'loss buffers',
}

export function formatPlan(report: ShownReport): string {
  return formatMemory<MemoryPhase>(report, {
    names: memoryPhases,
    trained: 'trained parameters of both roles',
    batch: 'batch_size',
  })
}

interface MemoryWords<P extends string> {
  /** The phases in their order. */
  names: readonly P[]
  /** What the parameters are. */
  trained: string
  /** The setting that the largest batch is one of. */
  batch: string
}

/** The memory of a run of any method. */
export function formatMemory<P extends string>(
  report: ShownReport<P>,
  { names, trained, batch }: MemoryWords<P>,
): string {
  const { device, dtype, quantize, image, patches, parameters, kinds, phases, total } = report
  const columns = (device === 'cpu' ? ['host'] : ['device', 'host']) as (keyof PlacedBytes)[]
  const row = (name: string, cells: readonly string[]) =>
    `  ${name.padEnd(14)}${cells.map((cell) => cell.padStart(14)).join('')}`
  const bytes = (name: string, place: PlacedBytes) =>
    row(
      name,
      columns.map((column) => formatBytes(place[column])),
    )
  const titles = columns.map((column) => (column === 'device' ? device : 'this machine'))
  return [
    `${report.model} on ${device}, weights in ${dtype}${quantize === 'none' ? '' : `, linear modules in ${quantize}`}; ${(parameters / 1e6).toFixed(1)} million ${trained}`,
    `Images of up to ${image.width}x${image.height} pixels, ${count(patches)} patches; prompts of up to ${count(report.prompt_tokens)} tokens`,
    '',
    row('Memory', titles),
    ...memoryKinds.map((kind) => bytes(kindNames[kind], kinds[kind])),
    bytes('total', total),
    '',
    'Peak in each phase',
    ...names.map((phase) => bytes(phase, phases[phase])),
    '',
    verdict(report, batch),
    '',
  ].join('\n')
}

function verdict<P extends string>(
  { limits, fits, largest_batch: largest, advice, total, device }: ShownReport<P>,
  batch: string,
): string {
  const place = device === 'cpu' ? 'host' : 'device'
  const limit = limits[place]
  if (limit === null) return 'How much there is, is not known; --memory says it.'
  const of = `${formatBytes(total[place])} of ${formatBytes(limit)}`
  if (!fits) return `It does not fit: ${of}; ${advice}.`
  const barely = total[place] > 0.87 * limit ? 'barely ' : ''
  return `It ${barely}fits: ${of}. The largest ${batch} that fits is ${largest}.`
}

const count = (value: number) => Math.round(value).toLocaleString('en')
