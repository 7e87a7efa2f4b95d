/**
 * One small chart as SVG, 360 by 200 units so that its text keeps its size in one column or three: pale bands with the
 * extremes, lines over them, the last value written at the end of each line. Charts of one axis show the same part of it. The
 * script of the page adds values under the pointer from `data-lines`; without it nothing is missing but that.
 */
import type { Column } from './downsample'
import { formatNumber, formatTicks } from './format'
import { markup, type Markup } from './markup'
import { linearScale, logScale } from './scale'
import type { Tone } from '@evolmm/runs'

interface ChartLine {
  label: string
  tone: Tone
  /** One column or more. */
  columns: readonly Column[]
  /** Show how far values are spread, beside their mean. @default true */
  band?: boolean | undefined
}

export interface LineChartOptions {
  title: string
  /** One line or more. */
  lines: readonly ChartLine[]
  /** Steps at the two ends of the axis. */
  domain: readonly [number, number]
  /** The name of the axis. @default iteration */
  axis?: string | undefined
  /** A place on the axis that was chosen: it is marked, and the value there is written instead of the last. */
  chosen?: number | undefined
  /** Values that the axis shows at least. */
  span?: readonly [number, number] | undefined
  /** Powers of ten, if all values are above 0 and their ratio is above 50. @default false */
  mayBeLog?: boolean | undefined
  /** Mark each value, for series of few. @default false */
  dots?: boolean
  /** Levels to compare with. */
  references?: readonly { value: number; label: string }[] | undefined
  /** Steps to mark, with the words for it. */
  alarms?: { steps: readonly number[]; label: string } | undefined
}

const iteration = 'iteration'
const size = { width: 360, height: 200 }
const plot = { left: 42, right: 284, top: 22, bottom: 174 }

export function lineChart(options: LineChartOptions): Markup {
  const { lines, domain, axis = iteration, chosen, references = [], alarms } = options
  const x = linearScale({ domain, range: [plot.left, plot.right], ticks: 4 })
  const y = verticalScale(options)
  const tickTexts = formatTicks(y.ticks)
  const stepTicks = axis === iteration ? x.ticks.filter(Number.isInteger) : x.ticks
  const drawn = lines.map((line, i) => draw(line, i, { x: x.place, y: y.place, dots: options.dots === true }))
  const said = lines.map((line) => columnAt(line, chosen).value)
  const labels = spread(said.map(y.place))
  return markup`<svg class="chart" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${describe(options, axis)}" data-axis="${axis}" data-lines="${JSON.stringify(lines.map((line) => pointerData(line, x.place)))}">
${y.ticks.map((tick, i) => {
  const at = round(y.place(tick))
  return markup`<path class="grid" d="M${plot.left} ${at}H${plot.right}"/><text class="tick" x="${plot.left - 8}" y="${at + 4}" text-anchor="end">${tickTexts[i]}</text>`
})}
${stepTicks.map(
  (tick) =>
    markup`<text class="tick" x="${round(x.place(tick))}" y="${plot.bottom + 18}" text-anchor="middle">${formatTicks([tick])}</text>`,
)}
<text class="tick" x="${size.width - 4}" y="${plot.bottom + 18}" text-anchor="end">${axis}</text>
${alarms === undefined ? null : alarmMarks(alarms, x.place)}
${references.map(({ value, label }) => {
  const at = round(y.place(value))
  return markup`<path class="reference" d="M${plot.left} ${at}H${plot.right}"/><text class="tick" x="${plot.left + 4}" y="${at + 14}">${label}</text>`
})}
${chosen === undefined ? null : markup`<path class="chosen" d="M${round(x.place(chosen))} ${plot.top}V${plot.bottom}"/><text class="tick" x="${round(x.place(chosen))}" y="${plot.top - 6}" text-anchor="middle">chosen</text>`}
${drawn.map(({ band }) => band)}
${drawn.map(({ line }) => line)}
${lines.map((line, i) => {
  const { label, tone } = line
  const at = round(labels[i])
  const value = formatNumber(said[i])
  return lines.length > 1
    ? markup`<text class="label ${tone}" x="${plot.right + 8}" y="${at - 2}"><tspan class="value">${value}</tspan><tspan x="${plot.right + 8}" dy="13">${label}${isDashed(i) ? ' ┄' : null}</tspan></text>`
    : markup`<text class="label ${tone}" x="${plot.right + 8}" y="${at + 4}"><tspan class="value">${value}</tspan></text>`
})}
</svg>`
}

/** Lines beyond the number of tones are dashed. */
function isDashed(i: number): boolean {
  return i >= 3
}

/** One column alone is a dot. */
function draw(
  { tone, columns, band = true }: ChartLine,
  i: number,
  { x, y, dots }: { x: (step: number) => number; y: (value: number) => number; dots: boolean },
) {
  const at = columns.map((column) => ({ ...column, x: round(x((column.from + column.to) / 2)) }))
  const path = (key: 'value' | 'low' | 'high' | 'lower' | 'upper') =>
    at.map((point) => `${point.x} ${round(y(point[key]))}`)
  const area = (lower: 'low' | 'lower', upper: 'high' | 'upper') =>
    markup`<path class="band ${tone}" d="M${[...path(upper), ...path(lower).reverse()].join('L')}Z"/>`
  const circles = dots || at.length === 1 ? at : []
  return {
    band: band ? [area('low', 'high'), area('lower', 'upper')] : null,
    line: markup`<path class="line ${tone}${isDashed(i) ? ' dashed' : null}" d="M${path('value').join('L')}"/>${circles.map((point) => markup`<circle class="dot ${tone}" cx="${point.x}" cy="${round(y(point.value))}" r="3"/>`)}`,
  }
}

function verticalScale({ lines, span, mayBeLog, references = [] }: LineChartOptions) {
  const values = lines.flatMap(({ columns, band = true }) =>
    columns.flatMap(({ value, low, high }) => (band ? [low, high] : [value])),
  )
  const known = [...(span ?? []), ...references.map(({ value }) => value)]
  const low = Math.min(...known, ...values)
  const high = Math.max(...known, ...values)
  const range = [plot.bottom, plot.top] as const
  if (mayBeLog === true && low > 0 && high / low > 50) return logScale({ domain: [low, high], range })
  // From 0: an axis that is cut off makes rounding look like a cliff.
  const [bottom, top] = [Math.min(0, low), Math.max(0, high)]
  return linearScale({ domain: bottom < top ? [bottom, top] : [0, 1], range })
}

/** Labels at least two lines apart, in the order of their values. */
function spread(places: readonly number[]): number[] {
  const order = places.map((_, i) => i).sort((a, b) => places[a] - places[b])
  const moved = [...places]
  for (let rank = 1; rank < order.length; rank++)
    moved[order[rank]] = Math.max(moved[order[rank]], moved[order[rank - 1]] + 30)
  const over = Math.max(0, Math.max(...moved) - (plot.bottom - 10))
  return moved.map((place) => place - over)
}

/** A strip for each stretch of alarms, over the plot and, stronger, above it. */
function alarmMarks(
  { steps, label }: { steps: readonly number[]; label: string },
  x: (step: number) => number,
): Markup[] {
  const stretches: [number, number][] = []
  for (const step of steps) {
    const [from, to] = [x(step - 0.5), Math.min(x(step + 0.5), plot.right)]
    const last = stretches.at(-1)
    if (last !== undefined && from - last[1] < 2) last[1] = to
    else stretches.push([from, to])
  }
  return stretches.map(([from, to]) => {
    const [left, width] = [round(from), round(Math.max(to - from, 2))]
    return markup`<rect class="alarm" x="${left}" y="${plot.top - 8}" width="${width}" height="4" rx="2"><title>${label}</title></rect><rect class="alarm-strip" x="${left}" y="${plot.top}" width="${width}" height="${plot.bottom - plot.top}"/>`
  })
}

function describe({ title, lines, chosen }: LineChartOptions, axis: string): string {
  const each = lines.map(({ label, columns }) => {
    const [first, last] = [columns[0], columns[columns.length - 1]]
    return `${label} ${formatNumber(first.value)} at ${axis} ${first.from}, ${formatNumber(last.value)} at ${axis} ${last.to}`
  })
  const marked = chosen === undefined ? '' : `; chosen: ${chosen}`
  return `${title}: ${each.join('; ')}${marked}`
}

/** The column at a place, or the last. */
function columnAt({ columns }: ChartLine, place: number | undefined): Column {
  return columns.find(({ from }) => from === place) ?? columns[columns.length - 1]
}

function pointerData({ label, columns }: ChartLine, x: (step: number) => number) {
  return {
    label,
    x: columns.map(({ from, to }) => round(x((from + to) / 2))),
    step: columns.map(({ from, to }) => (from === to ? `${from}` : `${from}–${to}`)),
    value: columns.map(({ value }) => formatNumber(value)),
  }
}

function round(place: number): number {
  return Math.round(place * 10) / 10
}
